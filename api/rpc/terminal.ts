export type TerminalTarget =
  | { readonly kind: "local" }
  | { readonly kind: "container"; readonly namespace: string; readonly pod: string; readonly container: string }
  /** Root in the pod's network namespace: iptables, packets, sockets. */
  | { readonly kind: "network"; readonly namespace: string; readonly pod: string };

export type TerminalEvent =
  | { readonly type: "data"; readonly data: string }
  | { readonly type: "exit"; readonly code: number | undefined; readonly message: string };

export interface LogChunk {
  readonly lines: readonly string[];
  readonly ended: boolean;
}

export interface PodSummary {
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  /** Empty while it is not bound to one. */
  readonly node: string;
  readonly ready: boolean;
  readonly phase: string;
  /** Why it is not ready, if it is not. */
  readonly reason: string | undefined;
  readonly restarts: number;
  readonly containers: readonly {
    readonly name: string;
    readonly init: boolean;
    readonly state: "waiting" | "running" | "terminated";
  }[];
}
