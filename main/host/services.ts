import type { LabCluster } from "./lab-cluster.ts";
import type { LabService } from "./labs/lab-service.ts";
import type { Observable } from "./observable.ts";
import type { Provisioning } from "./provisioning/provisioning.ts";
import type { Terminals } from "./terminals/terminals.ts";

/** What the RPC handlers work with. */
export interface HostServices {
  readonly mode: "browser" | "desktop";
  readonly provisioning: Provisioning;
  readonly labs: LabService;
  readonly terminals: Terminals;
  /** Undefined while no cluster runs. */
  readonly cluster: Observable<LabCluster | undefined>;
  /** The running cluster; throws NOT_RUNNING. */
  running(): LabCluster;
  /** Begins to end the host. */
  shutdown(deleteState: boolean): void;
}
