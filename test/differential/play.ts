import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { parse as parseYaml } from "yaml";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import type { Answer, Case, RequestStep, RestartStep, Step, StreamStep, WatchStep } from "./case.ts";
import type { RawAnswer, RawClient, RawRequest } from "./client.ts";
import { isObject, type Json, type JsonObject, valueAt, without } from "./json.ts";
import { Normaliser } from "./normalise.ts";
import { playStream } from "./stream.ts";

/** A cluster under comparison. */
export interface Target {
  readonly client: RawClient;
  readonly kubeconfig: string;
  /** Ends the API server and starts it again with what it stored; undefined where that cannot be done. */
  readonly restart?: () => Promise<void>;
  /** Values that cases may use beside their own, as `$image`. */
  readonly variables?: Readonly<Record<string, string>>;
}

const UNTIL_MS = 30_000;
const AGAIN_MS = 100;
const QUIET_MS = 5_000;
/** Headers that are part of the API. */
const headers = ["content-type", "content-encoding", "warning", "retry-after"];

/** Plays a case against a cluster, in a namespace of its own that goes afterwards. Steps by name. */
export async function play(played: Case, target: Target): Promise<ReadonlyMap<string, Answer>> {
  const namespace = `differential-${played.name}`;
  const player = new Player(namespace, target);
  await player.begin();
  try {
    for (const step of played.steps) await player.step(step);
    return player.answers;
  } finally {
    await player.end();
  }
}

class Player {
  readonly answers = new Map<string, Answer>();
  readonly #namespace: string;
  readonly #client: RawClient;
  readonly #target: Target;
  readonly #variables: Map<string, string>;
  readonly #normaliser: Normaliser;

  constructor(namespace: string, target: Target) {
    const { client, variables = {} } = target;
    this.#target = target;
    this.#namespace = namespace;
    this.#client = client;
    this.#variables = new Map(Object.entries({ ...variables, ns: namespace }));
    this.#normaliser = new Normaliser(namespace);
  }

  async begin(): Promise<void> {
    const path = `/api/v1/namespaces/${this.#namespace}`;
    await this.#ask({ name: "no old namespace", send: `GET ${path}`, until: { code: 404 } });
    const metadata = { name: this.#namespace };
    const body = { apiVersion: "v1", kind: "Namespace", metadata };
    await this.#ask({ name: "namespace", send: "POST /api/v1/namespaces", body });
    // Pods need it; its controller may take a moment.
    await this.#ask({ name: "account", send: `GET ${path}/serviceaccounts/default`, until: { code: 200 } });
  }

  async end(): Promise<void> {
    await this.#ask({ name: "end", send: `DELETE /api/v1/namespaces/${this.#namespace}` });
  }

  async step(step: Step): Promise<void> {
    if ("watch" in step) return this.#watch(step);
    if ("restart" in step) return this.#restart(step);
    if ("stream" in step) return this.#stream(step);
    const answer = await this.#ask(step);
    this.#save(step.save, parse(answer.text));
    if (step.quiet) {
      if (answer.code >= 400) throw new Error(`${step.name}: ${answer.code} ${answer.text.slice(0, 500)}`);
      return;
    }
    if (this.answers.has(step.name)) throw new Error(`two steps are called ${step.name}`);
    this.answers.set(step.name, this.#answerOf(answer, step));
  }

  async #restart({ restart }: RestartStep): Promise<void> {
    if (this.#target.restart === undefined) throw new Error(`${restart}: this API server cannot be started again`);
    await this.#target.restart();
  }

  async #stream(step: StreamStep): Promise<void> {
    const connection = kubeconfigConnection(this.#target.kubeconfig);
    const [tls, authorization] = await Promise.all([connection.tls(), connection.authorization()]);
    const url = new URL(this.#fill(step.stream), connection.server);
    const answer = await playStream(step, url, { tls, authorization });
    this.answers.set(step.name, { ...answer, body: this.#normaliser.value(answer.body ?? null) });
  }

  async #ask(step: RequestStep): Promise<RawAnswer> {
    const { until } = step;
    const deadline = Date.now() + UNTIL_MS;
    for (;;) {
      const answer = await this.#client.send(this.#request(step));
      const isDone =
        (until?.code === undefined || answer.code === until.code) &&
        (until?.text === undefined || answer.text.includes(this.#fill(until.text)));
      if (isDone || Date.now() > deadline) return answer;
      await pause(AGAIN_MS);
    }
  }

  #request({ send, body, type, headers: more = {} }: RequestStep): RawRequest {
    const [method = "GET", path = "/"] = this.#fill(send).split(" ");
    const text = body === undefined ? undefined : this.#fill(typeof body === "string" ? body : JSON.stringify(body));
    const filled = Object.fromEntries(Object.entries(more).map(([name, value]) => [name, this.#fill(value)]));
    return {
      method,
      path,
      headers: { ...(text === undefined ? {} : { "content-type": type ?? "application/json" }), ...filled },
      ...(text === undefined ? {} : { body: text }),
    };
  }

  async #watch(step: WatchStep): Promise<void> {
    const path = this.#fill(step.watch);
    const response = await this.#client.open({ method: "GET", path, headers: step.headers ?? {} });
    const reading = readEvents(response, step.take);
    for (const inner of step.meanwhile ?? []) await this.step(inner);
    const events = await reading;
    response.destroy();
    this.#save(step.save, events.at(-1));
    this.answers.set(step.name, {
      code: response.statusCode ?? 0,
      events: this.#normaliser.value(forget([...events], step.forget)) as Json[],
    });
  }

  #answerOf({ code, headers: all, text }: RawAnswer, { only, forget: gone }: RequestStep): Answer {
    const kept = headers.flatMap((name) => {
      const value = all[name];
      return value === undefined ? [] : [[name, this.#normaliser.text(String(value))]];
    });
    const isYaml = all["content-type"] === "application/yaml";
    const json = isYaml ? (parseYaml(text) as Json) : parse(text);
    const body =
      json === undefined ? this.#normaliser.text(text) : this.#normaliser.value(forget(pick(json, only), gone));
    return { code, headers: Object.fromEntries(kept) as JsonObject, body };
  }

  #save(wanted: Readonly<Record<string, string>> | undefined, from: Json | undefined): void {
    for (const [name, path] of Object.entries(wanted ?? {})) {
      const value = valueAt(from, path);
      if (value !== undefined && value !== null) this.#variables.set(name, String(value));
    }
  }

  #fill(text: string): string {
    return text.replace(/\$([a-z][a-zA-Z]*)/g, (whole, name: string) => this.#variables.get(name) ?? whole);
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

const forget = (json: Json, paths: readonly string[] = []): Json =>
  paths.reduce((value, path) => without(value, path.split(".")), json);

function pick(json: Json, only: readonly string[] | undefined): Json {
  if (only === undefined || (isObject(json) && json.kind === "Status" && !only.includes("reason"))) return json;
  const result: JsonObject = {};
  for (const path of only) result[path] = valueAt(json, path) ?? null;
  return result;
}

async function readEvents(response: IncomingMessage, take: number): Promise<readonly Json[]> {
  const events: Json[] = [];
  let rest = "";
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    events.push(...lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Json));
  });
  response.on("error", () => {});
  const ended = once(response, "close").catch(() => undefined);
  for (let seen = -1; events.length < take && events.length > seen; ) {
    seen = events.length;
    const came = once(response, "data").catch(() => undefined);
    await Promise.race([came, ended, pause(QUIET_MS)]);
  }
  // A refusal is one JSON document without an end of line.
  if (rest !== "" && events.length === 0) events.push(JSON.parse(rest) as Json);
  return events;
}
