import { Agent, request } from "node:http";
import type { RequestShape } from "#api/lab.ts";

export type Outcome =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly versions: readonly string[];
      readonly latencyMs: number;
    }
  | { readonly kind: "error"; readonly error: string };

const TIMEOUT_MS = 30_000;

/** Sends single requests to one place over kept connections. */
export class Sender {
  readonly #target: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512, scheduling: "fifo" });

  constructor(target: URL) {
    this.#target = target;
  }

  /** @param intendedStart when it was due, by performance.now(): waiting for a connection or for us counts as latency */
  send(shape: Pick<RequestShape, "method" | "path" | "headers" | "body">, intendedStart: number): Promise<Outcome> {
    return new Promise((resolve) => {
      const headers =
        shape.body === undefined
          ? shape.headers
          : { "content-length": Buffer.byteLength(shape.body), ...shape.headers };
      const outgoing = request(
        {
          host: this.#target.hostname,
          port: this.#target.port || 80,
          path: shape.path,
          method: shape.method,
          headers,
          agent: this.#agent,
          timeout: TIMEOUT_MS,
        },
        (response) => {
          response.resume();
          response.on("end", () => {
            const header = response.headers["x-shop-version"];
            const versions = typeof header === "string" && header !== "" ? header.split(",") : [];
            resolve({
              kind: "answer",
              status: response.statusCode ?? 0,
              versions,
              latencyMs: performance.now() - intendedStart,
            });
          });
          response.on("error", (error) => resolve({ kind: "error", error: kindOf(error) }));
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(Object.assign(new Error("timeout"), { code: "TIMEOUT" })));
      outgoing.on("error", (error) => resolve({ kind: "error", error: kindOf(error) }));
      outgoing.end(shape.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

const kindOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;
