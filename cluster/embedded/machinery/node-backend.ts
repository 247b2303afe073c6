import type { Duplex, Readable, Writable } from "node:stream";

/** What the API server asks of the node that runs a pod: the kubelet's side of log, exec, attach, port-forward and proxy. */
export interface NodeBackend {
  /** Bytes of a container's log. Ends at the end of the log unless `follow`. */
  logs(pod: PodRef, options: LogOptions): Promise<Readable>;
  /** Starts a command in a running container, in all of its namespaces and with its user. */
  exec(pod: PodRef, options: ExecOptions): Promise<ExecSession>;
  /** Opens a connection to a TCP port inside the pod's network namespace, as if from the pod's own loopback. */
  portForward(pod: PodRef, port: number): Promise<Duplex>;
  /** Opens a connection from the node's network to an address in it (a pod address or cluster IP). */
  dial(host: string, port: number): Promise<Duplex>;
}

export interface PodRef {
  readonly namespace: string;
  readonly name: string;
}

export interface LogOptions {
  readonly container?: string;
  readonly follow?: boolean;
  readonly previous?: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  readonly sinceTime?: string;
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

export interface ExecOptions {
  readonly container?: string;
  readonly command: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
}

export interface ExecSession {
  readonly stdin: Writable | undefined;
  readonly stdout: Readable;
  /** Undefined with a tty: there it is part of stdout. */
  readonly stderr: Readable | undefined;
  /** Only with a tty. */
  resize(columns: number, rows: number): void;
  readonly exitCode: Promise<number>;
  kill(): void;
}
