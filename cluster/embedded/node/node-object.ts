import { availableParallelism, hostname, release, totalmem } from "node:os";
import type { ILease } from "kubernetes-models/coordination.k8s.io/v1/Lease";
import type { INode } from "kubernetes-models/v1/Node";
import type { KubeObject } from "#api/kinds/object.ts";
import { type Clock, type Logger, timestamp } from "../machinery/clock.ts";
import { coreV1, type Resources, type ResourceType, StatusError } from "../machinery/resources.ts";
import type { Image } from "./images.ts";

export interface NodeSpec {
  readonly name: string;
  /** Topology zone label. */
  readonly zone?: string;
}

export interface NodeFacts extends NodeSpec {
  readonly address: string;
  readonly podCidr: string;
  readonly images: readonly Image[];
  readonly kubeletVersion: string;
}

type NodeObject = INode & KubeObject;
type Lease = ILease & KubeObject;

const leases: ResourceType = { group: "coordination.k8s.io", version: "v1", resource: "leases" };
const LEASE_NAMESPACE = "kube-node-lease";
const LEASE_SECONDS = 40;
const HEARTBEAT_MS = 10_000;
const MAX_PODS = "110";

/** Registers a node, or takes over the one of that name, and keeps its lease. Returns the disposer of the heartbeat. */
export async function registerNode(
  options: { resources: Resources; clock: Clock; logger: Logger },
  facts: NodeFacts,
): Promise<() => void> {
  const { resources, clock, logger } = options;
  const wanted = nodeObject(facts, clock.now());
  const found = await resources.get<NodeObject>(coreV1("nodes"), undefined, facts.name);
  if (found === undefined) await resources.create<NodeObject>(coreV1("nodes"), wanted);
  else
    await resources.patch(coreV1("nodes"), undefined, facts.name, {
      type: "merge",
      body: { metadata: { labels: wanted.metadata.labels ?? {} }, spec: wanted.spec },
    });
  await resources.patch(coreV1("nodes"), undefined, facts.name, {
    type: "merge",
    subresource: "status",
    body: { status: wanted.status },
  });
  let cancel: () => void = () => undefined;
  const beat = async (): Promise<void> => {
    await renewLease(resources, facts.name, clock.now()).catch((error: unknown) =>
      logger.debug({ error: String(error) }, "the node's lease could not be renewed"),
    );
    cancel = clock.after(HEARTBEAT_MS, () => void beat());
  };
  cancel = clock.after(0, () => void beat());
  return () => cancel();
}

async function renewLease(resources: Resources, name: string, now: number): Promise<void> {
  const renewTime = new Date(now).toISOString().replace("Z", "000Z");
  const spec = { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime };
  try {
    await resources.patch<Lease>(leases, LEASE_NAMESPACE, name, { type: "merge", body: { spec } });
  } catch (error) {
    if (!(error instanceof StatusError) || error.reason !== "NotFound") throw error;
    await resources.create<Lease>(leases, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name, namespace: LEASE_NAMESPACE },
      spec,
    });
  }
}

/** The Node as the API shows it. Conditions do not change while the process lives: when it dies, so does the API. */
function nodeObject(facts: NodeFacts, now: number): NodeObject {
  const resources = {
    cpu: String(availableParallelism()),
    memory: `${Math.floor(totalmem() / 1024)}Ki`,
    pods: MAX_PODS,
    "ephemeral-storage": "100Gi",
  };
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const labels: Record<string, string> = {
    "kubernetes.io/hostname": facts.name,
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "node-role.kubernetes.io/control-plane": "",
    ...(facts.zone === undefined
      ? {}
      : {
          "topology.kubernetes.io/zone": facts.zone,
          "topology.kubernetes.io/region": facts.zone.replace(/-?[a-z0-9]$/, "") || facts.zone,
        }),
  };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: facts.name, labels },
    spec: { podCIDR: facts.podCidr, podCIDRs: [facts.podCidr] },
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [
        { type: "InternalIP", address: facts.address },
        { type: "Hostname", address: facts.name },
      ],
      conditions: nodeConditions(now),
      nodeInfo: {
        architecture,
        operatingSystem: "linux",
        osImage: `Slipway on ${hostname()}`,
        kernelVersion: release(),
        kubeletVersion: facts.kubeletVersion,
        kubeProxyVersion: facts.kubeletVersion,
        containerRuntimeVersion: "slipway://0.1.0",
        machineID: facts.name,
        systemUUID: facts.name,
        bootID: String(now),
      },
      images: facts.images.map((image) => ({ names: [...image.references] })),
    },
  };
}

function nodeConditions(now: number): NonNullable<NonNullable<INode["status"]>["conditions"]> {
  const at = timestamp(now);
  const row = (type: string, status: string, detail: { reason: string; message: string }) => ({
    type,
    status,
    ...detail,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  });
  return [
    row("MemoryPressure", "False", {
      reason: "KubeletHasSufficientMemory",
      message: "kubelet has sufficient memory available",
    }),
    row("DiskPressure", "False", { reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" }),
    row("PIDPressure", "False", { reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available" }),
    row("Ready", "True", { reason: "KubeletReady", message: "kubelet is posting ready status" }),
  ];
}
