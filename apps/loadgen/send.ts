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

/** The kept connection was closed before anything was answered. */
interface Stale {
  readonly kind: "stale";
}

const TIMEOUT_MS = 30_000;

/** Sends single requests to one place over kept connections. */
export class Sender {
  readonly #target: URL;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 512, scheduling: "fifo" });

  constructor(target: URL) {
    this.#target = target;
  }

  /**
   * A kept connection that the other side closed just now says nothing about the service: then once more on another.
   * @param intendedStart when it was due, by performance.now(): waiting for a connection or for us counts as latency
   */
  async send(
    shape: Pick<RequestShape, "method" | "path" | "headers" | "body">,
    intendedStart: number,
  ): Promise<Outcome> {
    const outcome = await this.#attempt(shape, intendedStart);
    return outcome.kind === "stale" ? this.#again(await this.#attempt(shape, intendedStart)) : outcome;
  }

  #again(outcome: Outcome | Stale): Outcome {
    return outcome.kind === "stale" ? { kind: "error", error: "ECONNRESET" } : outcome;
  }

  #attempt(
    shape: Pick<RequestShape, "method" | "path" | "headers" | "body">,
    intendedStart: number,
  ): Promise<Outcome | Stale> {
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
      outgoing.on("error", (error) => {
        const kind = kindOf(error);
        resolve(outgoing.reusedSocket && kind === "ECONNRESET" ? { kind: "stale" } : { kind: "error", error: kind });
      });
      outgoing.end(shape.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

const kindOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;
