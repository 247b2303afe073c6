import type { Json, JsonObject } from "./json.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD";

/** One request. `$ns` is the case's namespace, `$name` what a step before saved; both are put into paths, headers and bodies. */
export interface RequestStep {
  readonly name: string;
  readonly send: `${Method} ${string}`;
  readonly body?: unknown;
  /** Content type of the body; JSON when it is not said. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Variable -> where its value is in the answer, as `metadata.uid`. */
  readonly save?: Readonly<Record<string, string>>;
  /** Asked again until the answer has this code, or holds this text. Without such an answer in time, the last one counts. */
  readonly until?: { readonly code?: number; readonly text?: string };
  /** The parts of the answer that are compared, as `items.*.metadata.name`; everything when it is not said. */
  readonly only?: readonly string[];
  /** The parts of the answer that are not compared; `*` is any item of a list. */
  readonly forget?: readonly string[];
  /** Set-up: the answer is not compared. */
  readonly quiet?: true;
}

/** A watch, and what happens while it is open. */
export interface WatchStep {
  readonly name: string;
  readonly watch: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends when so many events came (or the server ended it, or none came for five seconds). */
  readonly take: number;
  readonly forget?: readonly string[];
  readonly meanwhile?: readonly (RequestStep | RestartStep)[];
  readonly save?: Readonly<Record<string, string>>;
}

/** The API server ends and comes back with what it stored. */
export interface RestartStep {
  readonly restart: string;
}

/** A WebSocket to a container: a command, or a port. */
export interface StreamStep {
  readonly name: string;
  readonly stream: string;
  /** v5.channel.k8s.io when it is not said. */
  readonly protocol?: string;
  /** Sent at once; then there is no more. */
  readonly input?: string;
  /** Of the terminal. */
  readonly size?: { readonly Width: number; readonly Height: number };
  /** Ends when the first channel has said this. */
  readonly enough?: string;
}

export type Step = RequestStep | WatchStep | RestartStep | StreamStep;

/** Requests that belong together, in a namespace of their own. */
export interface Case {
  readonly name: string;
  readonly steps: readonly Step[];
  /** A node: pods must run. Loopback: the API server must reach what listens on this machine. */
  readonly needs?: "node" | "loopback";
}

/** What a server said to a step, as it is compared. */
export type Answer = {
  readonly code: number;
  readonly headers?: JsonObject;
  readonly body?: Json;
  /** Of a watch. */
  readonly events?: Json[];
};

export const configMap = (name: string, data: object = { a: "1" }, metadata: object = {}): object => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...metadata },
  data,
});
