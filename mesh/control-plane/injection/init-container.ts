import { annotations, PROXY_UID, ports } from "#api/names.ts";
import { type Container, INIT_CONTAINER, type PodDraft } from "./pod.ts";
import type { ProxyOptions } from "./proxy-options.ts";
import { AnnotationError } from "./proxy-options.ts";

/** The container that leads the pod's traffic to its proxy before anything else runs. */
export function initContainer(pod: PodDraft, options: ProxyOptions): Container {
  return {
    name: INIT_CONTAINER,
    image: options.image,
    imagePullPolicy: "IfNotPresent",
    args: ["istio-iptables", ...captureFlags(pod, options), `--log_output_level=${options.agentLogLevel}`],
    resources: options.resources,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ["NET_ADMIN", "NET_RAW"], drop: ["ALL"] },
      privileged: false,
      readOnlyRootFilesystem: false,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
    },
  };
}

/** Flags of istio-iptables in the order in which Istio's injector writes them. */
function captureFlags(pod: PodDraft, options: ProxyOptions): readonly string[] {
  const said = (name: string): string | undefined => pod.metadata.annotations?.[name];
  const excludedInbound = [...split(said(annotations.excludeInboundPorts)), ...ownPorts(options).map(String)];
  const outbound = said("traffic.sidecar.istio.io/excludeOutboundPorts");
  const extra: readonly (readonly [flag: string, value: string | undefined])[] = [
    ["-q", said("traffic.sidecar.istio.io/includeOutboundPorts")],
    ["-o", outbound],
    ["-k", said("istio.io/reroute-virtual-interfaces") ?? said("traffic.sidecar.istio.io/kubevirtInterfaces")],
    ["-c", said("traffic.sidecar.istio.io/excludeInterfaces")],
  ];
  checkPorts(annotations.excludeInboundPorts, said(annotations.excludeInboundPorts));
  checkPorts(annotations.includeInboundPorts, said(annotations.includeInboundPorts));
  checkPorts(annotations.includeOutboundPorts, said(annotations.includeOutboundPorts));
  checkPorts(annotations.excludeOutboundPorts, outbound);
  return [
    "-p",
    String(ports.outbound),
    "-z",
    String(ports.inbound),
    "-u",
    String(PROXY_UID),
    "-m",
    options.interceptionMode,
    "-i",
    said(annotations.includeOutboundIpRanges) ?? "*",
    "-x",
    said(annotations.excludeOutboundIpRanges) ?? "",
    "-b",
    said(annotations.includeInboundPorts) ?? "*",
    "-d",
    [...new Set(excludedInbound)].join(","),
    ...extra.flatMap(([flag, value]) => (value === undefined || value === "" ? [] : [flag, value])),
    ...(options.proxyMetadata.ISTIO_META_DNS_CAPTURE === "true" ? ["--redirect-dns"] : []),
  ];
}

/** Ports of the proxy itself, which the kubelet and Prometheus reach without it. */
const ownPorts = (options: ProxyOptions): readonly number[] => [
  ports.envoyPrometheus,
  ports.health,
  options.statusPort,
];

const split = (value: string | undefined): readonly string[] =>
  (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

function checkPorts(name: string, value: string | undefined): void {
  const wrong =
    value?.trim() === "*"
      ? undefined
      : split(value).find((item) => !/^\d{1,5}$/.test(item) || Number(item) > 65535 || Number(item) === 0);
  if (wrong !== undefined) throw new AnnotationError(`annotation ${name} must list ports; "${wrong}" is none`);
}
