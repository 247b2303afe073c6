import { request } from "node:https";
import { asArray, asObject, asString, isObject, type JsonObject } from "../../machinery/json.ts";
import type { Store } from "../../store/store.ts";

/** A webhook that could not be asked, or whose answer is none; counts as its failurePolicy says. */
export class CallFailure extends Error {
  override readonly name = "CallFailure";
}

const MAX_ANSWER = 16 * 1024 * 1024;

/** The response of a webhook to a review. Fails with CallFailure, in the words of Kubernetes. */
export async function callWebhook(
  hook: JsonObject,
  review: JsonObject,
  { store, mutates }: { readonly store: Store; readonly mutates: boolean },
): Promise<JsonObject> {
  const seconds = Number(hook.timeoutSeconds ?? 10);
  let text: string;
  try {
    text = await post(targetOf(asObject(hook.clientConfig), store, seconds), JSON.stringify(review), seconds);
  } catch (error) {
    throw new CallFailure(`failed to call webhook: ${error instanceof Error ? error.message : String(error)}`);
  }
  const answer = readReview(text, review);
  const problem = responseProblem(answer, asString(asObject(review.request).uid), mutates);
  if (problem !== undefined) throw new CallFailure(`received invalid webhook response: ${problem}`);
  return asObject(answer.response);
}

/** Where a webhook is: an endpoint of its Service, or a URL. */
interface Target {
  /** As messages name it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly servername: string;
  readonly ca: Buffer | undefined;
}

function targetOf(client: JsonObject, store: Store, seconds: number): Target {
  const bundle = asString(client.caBundle);
  const ca = bundle === "" ? undefined : Buffer.from(bundle, "base64");
  const query = `timeout=${seconds}s`;
  if (typeof client.url === "string") {
    const url = new URL(client.url);
    return {
      url: `https://${url.host}${url.pathname}?${query}`,
      host: url.hostname,
      port: Number(url.port || 443),
      path: `${url.pathname}?${query}`,
      servername: url.hostname,
      ca,
    };
  }
  const service = asObject(client.service);
  const [namespace, name] = [asString(service.namespace), asString(service.name)];
  const port = Number(service.port ?? 443);
  const servername = `${name}.${namespace}.svc`;
  const path = `${asString(service.path) || "/"}?${query}`;
  const url = `https://${servername}:${port}${path}`;
  const found = endpointOf(store, { namespace, name, port });
  if (typeof found === "string") throw new Error(`Post ${JSON.stringify(url)}: ${found}`);
  return { url, ...found, path, servername, ca };
}

/** An address of a ready endpoint, or why there is none. */
function endpointOf(
  store: Store,
  { namespace, name, port }: { readonly namespace: string; readonly name: string; readonly port: number },
): { readonly host: string; readonly port: number } | string {
  const object = store.get({ bucket: "/services", namespace, name });
  if (object === undefined) return `service ${JSON.stringify(name)} not found`;
  const ports = asArray(asObject(object.spec).ports).map(asObject);
  const portName = asString(ports.find((candidate) => candidate.port === port)?.name);
  const slices = store
    .list("discovery.k8s.io/endpointslices", namespace)
    .filter((slice) => slice.metadata.labels?.["kubernetes.io/service-name"] === name);
  for (const slice of slices) {
    const target = asArray(slice.ports)
      .map(asObject)
      .find((candidate) => asString(candidate.name) === portName)?.port;
    const endpoint = asArray(slice.endpoints)
      .map(asObject)
      .find((candidate) => asObject(candidate.conditions).ready !== false);
    const address = asString(asArray(endpoint?.addresses)[0]);
    if (typeof target === "number" && address !== "") return { host: address, port: target };
  }
  return `no endpoints available for service ${JSON.stringify(name)}`;
}

function post({ url, ca, ...target }: Target, body: string, seconds: number): Promise<string> {
  const named = (why: string): Error => new Error(`Post ${JSON.stringify(url)}: ${why}`);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        ...target,
        // An address has no server name.
        servername: /^[\d.]+$|:/.test(target.servername) ? "" : target.servername,
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json",
          "content-length": Buffer.byteLength(body),
          host: target.servername,
        },
        ...(ca === undefined ? {} : { ca }),
        agent: false,
        signal: AbortSignal.timeout(seconds * 1000),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER) response.destroy(new Error("the answer is too large"));
          chunks.push(chunk);
        });
        response.on("error", (error) => reject(named(reasonOf(error, target))));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          const { statusCode = 0, headers } = response;
          if (statusCode >= 200 && statusCode < 300 && text !== "") return resolve(text);
          reject(new Error(refusalOf(statusCode, text, headers["content-type"] ?? "")));
        });
      },
    );
    outgoing.on("error", (error) => reject(named(reasonOf(error, target))));
    outgoing.end(body);
  });
}

function reasonOf(
  error: NodeJS.ErrnoException,
  { host, port }: { readonly host: string; readonly port: number },
): string {
  if (error.name === "AbortError" || error.name === "TimeoutError") return "context deadline exceeded";
  const dial = (why: string): string => `dial tcp ${host}:${port}: ${why}`;
  switch (error.code) {
    case "ECONNREFUSED":
      return dial("connect: connection refused");
    case "EHOSTUNREACH":
      return dial("connect: no route to host");
    case "ENETUNREACH":
      return dial("connect: network is unreachable");
    case "ENOTFOUND":
      return dial(`lookup ${host}: no such host`);
    case "ECONNRESET":
      return "EOF";
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "CERT_SIGNATURE_FAILURE":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    default:
      return error.code === "ERR_TLS_CERT_ALTNAME_INVALID"
        ? `tls: failed to verify certificate: x509: ${error.message}`
        : error.message;
  }
}

/** What an answer that is no success says, as Kubernetes' client reads it. */
function refusalOf(code: number, text: string, type: string): string {
  const status = tryObject(text);
  if (status?.kind === "Status" && typeof status.message === "string") return status.message;
  if (code >= 200 && code < 300) return `0-length response with status code: ${code} and content type: ${type}`;
  switch (code) {
    case 404:
      return "the server could not find the requested resource";
    case 401:
      return "the server has asked for the client to provide credentials";
    case 403:
      return text.trim() || "unknown";
    case 500:
      return `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`;
    case 503:
      return "the server is currently unable to handle the request";
    default:
      return `the server responded with the status code ${code} but did not return more information`;
  }
}

function tryObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readReview(text: string, review: JsonObject): JsonObject {
  const failed = (why: string): CallFailure => new CallFailure(`failed to call webhook: ${why}`);
  const answer = tryObject(text);
  if (answer === undefined) throw failed(`couldn't get version/kind; json parse error: ${jsonProblem(text)}`);
  const [kind, apiVersion] = [asString(answer.kind), asString(answer.apiVersion)];
  if (kind === review.kind && apiVersion === review.apiVersion) return answer;
  if (kind === "AdmissionReview" && apiVersion.startsWith("admission.k8s.io/"))
    throw failed(
      `converting (${apiVersion.split("/")[1]}.AdmissionReview) to (${asString(review.apiVersion).split("/")[1]}.AdmissionReview): unknown conversion`,
    );
  if (kind === "") throw failed(`Object 'Kind' is missing in '${text}'`);
  throw failed(
    `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
  );
}

function jsonProblem(text: string): string {
  const first = text.trim()[0] ?? "";
  if (first === "{" || first === "") return "unexpected end of JSON input";
  const type =
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
  return `json: cannot unmarshal ${first === "[" ? "array" : "string"} into Go value of type ${type}`;
}

function responseProblem({ response }: JsonObject, uid: string, mutates: boolean): string | undefined {
  if (!isObject(response)) return "webhook response was absent";
  if (response.uid !== uid)
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(asString(response.uid))}`;
  const [hasPatch, hasType] = [asString(response.patch) !== "", response.patchType !== undefined];
  if (!mutates) {
    if (hasPatch) return "validating webhook may not return response.patch";
    return hasType ? "validating webhook may not return response.patchType" : undefined;
  }
  if (hasPatch && !hasType) return "webhook returned response.patch but not response.patchType";
  if (!hasPatch && hasType) return "webhook returned response.patchType but not response.patch";
  return hasType && response.patchType === "" ? 'webhook returned invalid response.patchType of ""' : undefined;
}
