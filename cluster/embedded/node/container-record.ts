/** What is known of one container: the source of its status. */
export interface ContainerRecord {
  readonly state: ContainerState;
  readonly last: Terminated | undefined;
  readonly restartCount: number;
  readonly ready: boolean;
  /** Passed its startup probe and its postStart hook; undefined before the first start. */
  readonly started: boolean;
  readonly containerId: string | undefined;
  readonly imageId: string;
}

export type ContainerState = Waiting | Running | Terminated;

export interface Waiting {
  readonly kind: "waiting";
  readonly reason: string;
  readonly message?: string;
}

export interface Running {
  readonly kind: "running";
  readonly startedAt: number;
}

export interface Terminated {
  readonly kind: "terminated";
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly containerId?: string;
}

export const freshRecord: ContainerRecord = {
  state: { kind: "waiting", reason: "ContainerCreating" },
  last: undefined,
  restartCount: 0,
  ready: false,
  started: false,
  containerId: undefined,
  imageId: "",
};

/** How the container was ended; what the status calls it. */
export function terminationReason(exitCode: number): string {
  return exitCode === 0 ? "Completed" : "Error";
}
