import { images, trustDomain } from "#api/names.ts";

/** What may differ between installations. */
export interface MeshValues {
  readonly image: string;
  /** Access log of every proxy on its standard output. */
  readonly accessLog: boolean;
  /** Copies of the control plane; each serves proxies, and whatever must have one writer is elected. */
  /** How traffic of pods in ambient mode gets to the ztunnel; auto: by eBPF where it can be had, else by iptables. */
  readonly ambientCapture: "iptables" | "ebpf" | "auto";
  /** Whether DNS questions of pods in ambient mode go to the mesh; a pod's annotation decides before it. */
  readonly ambientDnsCapture: boolean;
  readonly controlPlaneReplicas: number;
  readonly gatewayReplicas: number;
  /** Fields of Istio's MeshConfig that differ from the defaults, such as trustDomain; the control plane judges them. */
  readonly meshConfig: Readonly<Record<string, unknown>>;
  /** Variables of the control plane, by the names that Istio's has. */
  readonly pilotEnv: Readonly<Record<string, string>>;
  /** Ports of every node that lead to the gateway; undefined leaves the choice to the cluster. */
  readonly gatewayNodePorts?: { readonly http: number; readonly https: number } | undefined;
}

export const defaultValues: MeshValues = {
  image: images.mesh,
  accessLog: true,
  ambientCapture: "iptables",
  ambientDnsCapture: true,
  controlPlaneReplicas: 1,
  gatewayReplicas: 1,
  meshConfig: {},
  pilotEnv: {},
};

/** The trust domain that the values ask for. */
export const trustDomainOf = ({ meshConfig }: Pick<MeshValues, "meshConfig">): string =>
  typeof meshConfig.trustDomain === "string" ? meshConfig.trustDomain : trustDomain;
