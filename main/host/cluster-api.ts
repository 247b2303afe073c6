import type { KubeObject } from "#api/kinds/object.ts";
import type { ApplyResult, ManifestCheck } from "#api/rpc/manifest.ts";
import type { LogChunk } from "#api/rpc/terminal.ts";
import type { Disposer } from "./observable.ts";
import type { TerminalProcess } from "./terminals/terminals.ts";

/** All that the host wants of a running cluster. It is the Kubernetes API and nothing beside it, so every provider serves. */
export interface ClusterApi {
  get(object: ObjectName): Promise<KubeObject | undefined>;
  /** Starts with what exists, then tells every change; survives dropped streams. */
  watch(kind: WatchedKind, onChange: (objects: readonly KubeObject[]) => void): Disposer;
  /** What an apply of the manifest would do, and what is wrong with it, with lines. Changes nothing. */
  check(yaml: string): Promise<ManifestCheck>;
  apply(yaml: string): Promise<ApplyResult>;
  /** Deletes the objects of a manifest; those that are gone already are no error. */
  remove(yaml: string): Promise<void>;
  /** An HTTP request to a port of a pod, through the API server. */
  podRequest(pod: PodPort, request: PodRequest): Promise<PodResponse>;
  /** The same to a port on the pod's own loopback, where it serves what is not for other pods; always GET. */
  podLocalRequest(pod: PodPort, request: Pick<PodRequest, "path" | "signal">): Promise<PodResponse>;
  exec(container: ContainerName, size: { readonly columns: number; readonly rows: number }): Promise<TerminalProcess>;
  /** Runs a command in a container to its end. */
  run(
    container: ContainerName,
    command: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly code: number | undefined; readonly stdout: string; readonly stderr: string }>;
  /** Runs a command in a container and tells the lines of its output as they come, until it ends or the signal says so. */
  follow(
    container: ContainerName,
    command: readonly string[],
    options: { readonly onLine: (line: string) => void; readonly signal: AbortSignal },
  ): Promise<{ readonly code: number | undefined; readonly stderr: string }>;
  /** The container of the pod from which its network can be seen; started when there is none. */
  debugContainer(pod: { readonly namespace: string; readonly pod: string }): Promise<string>;
  logs(
    container: ContainerName,
    options: { readonly tailLines: number; readonly onChunk: (chunk: LogChunk) => void },
  ): Disposer;
  /** A loopback address that leads to a port of a pod behind the service, until disposed; `localPort` if that is free. */
  forwardService(service: {
    readonly namespace: string;
    readonly name: string;
    readonly port: number;
    readonly localPort?: number | undefined;
  }): Promise<{ readonly url: string; close(): Promise<void> }>;
  close(): Promise<void>;
}

export type WatchedKind = "pods" | "deployments" | "events" | "nodes";

export interface ObjectName {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

export interface ContainerName {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface PodRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With the query. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
}

export interface PodResponse {
  readonly status: number;
  text(): Promise<string>;
  /** Lines as they arrive. */
  lines(): AsyncIterable<string>;
}
