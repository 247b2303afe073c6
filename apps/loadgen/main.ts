import type { IncomingMessage, ServerResponse } from "node:http";
import { z } from "zod";
import { requestShapeSchema } from "#api/lab.ts";
import type { GeneratorError, GeneratorState, ProbeLine, TrafficInterval } from "#api/traffic.ts";
import { numberFromEnv, readBody, sendJson, serve } from "../http.ts";
import { browse } from "./browse.ts";
import { probe } from "./probe.ts";
import { Run } from "./run.ts";
import { Sender } from "./send.ts";

if (process.argv.length > 2) {
  console.log(
    "usage: loadgen    sends traffic to $TARGET as the control API on $PORT (8080) says: PUT /run, DELETE /run, GET /state, GET /stream, POST /probe, POST /browse",
  );
  process.exit(process.argv[2] === "--help" ? 0 : 64);
}

const runSchema = z.strictObject({
  rate: z.number().positive().max(5000),
  requests: z.array(requestShapeSchema).min(1),
  maxDuration: z.number().positive().optional(),
});
const probeSchema = z.strictObject({
  request: requestShapeSchema.omit({ tag: true, weight: true }),
  count: z.number().int().min(1).max(20_000),
  concurrency: z.number().int().min(1).max(64),
});

const browseSchema = z.strictObject({
  path: z.string().startsWith("/"),
  headers: z.record(z.string(), z.string()),
  login: z.strictObject({ user: z.string(), password: z.string() }).optional(),
  count: z.number().int().min(1).max(1000),
});

const site = new URL(process.env.TARGET ?? "http://localhost");
const sender = new Sender(site);
const readers = new Set<ServerResponse>();
let run: Run | undefined;
let latest: TrafficInterval | undefined;

function onInterval(interval: TrafficInterval): void {
  latest = interval;
  const line = `${JSON.stringify(interval)}\n`;
  // A reader that does not keep up misses intervals instead of filling our memory.
  for (const reader of readers) if (reader.writableLength < 1_000_000) reader.write(line);
}

function setRun(next: Run | undefined): void {
  run?.stop();
  run = next;
}

async function parse<Schema extends z.ZodType>(
  schema: Schema,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<z.output<Schema> | undefined> {
  const refuse = (error: GeneratorError): undefined => {
    sendJson(response, 400, error);
    return undefined;
  };
  let json: unknown;
  try {
    json = JSON.parse(await readBody(request, 1_000_000));
  } catch (error) {
    return refuse({ error: `the body is not JSON: ${(error as Error).message}` });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse({ error: issue?.message ?? "not valid", field: issue?.path.join(".") ?? "" });
}

serve(numberFromEnv("PORT", 8080), async (request, response, url) => {
  switch (`${request.method} ${url.pathname}`) {
    case "GET /healthz":
    case "GET /readyz":
      return sendJson(response, 200, { ready: true });
    case "GET /state": {
      const state: GeneratorState = { running: run !== undefined && !run.ended, run: run?.request, latest };
      return sendJson(response, 200, state);
    }
    case "PUT /run": {
      const settings = await parse(runSchema, request, response);
      if (settings === undefined) return;
      const { maxDuration, ...rest } = settings;
      setRun(new Run(maxDuration === undefined ? rest : { ...rest, maxDuration }, sender, onInterval));
      return sendJson(response, 200, { running: true });
    }
    case "DELETE /run":
      setRun(undefined);
      return sendJson(response, 200, { running: false });
    case "GET /stream":
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      response.flushHeaders();
      readers.add(response);
      response.on("close", () => readers.delete(response));
      return;
    case "POST /probe": {
      const settings = await parse(probeSchema, request, response);
      if (settings === undefined) return;
      return answerProbe(settings, response);
    }
    case "POST /browse": {
      const settings = await parse(browseSchema, request, response);
      if (settings === undefined) return;
      return sendJson(response, 200, await browse(site, { ...settings, login: settings.login }));
    }
    default:
      return sendJson(response, 404, { error: `there is no ${request.method} ${url.pathname}` });
  }
});

async function answerProbe(settings: z.output<typeof probeSchema>, response: ServerResponse): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const write = (line: ProbeLine): void => void response.write(`${JSON.stringify(line)}\n`);
  let lastProgress = performance.now();
  const tally = await probe(settings, sender, {
    signal: gone.signal,
    onProgress: (done) => {
      if (performance.now() - lastProgress < 100) return;
      lastProgress = performance.now();
      write({ type: "progress", done });
    },
  });
  write({ type: "tally", tally });
  response.end();
}
