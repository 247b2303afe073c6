/** What a tunnel tells about who calls, for telemetry alone: nothing in it is proven. Empty where not known. */
export interface Baggage {
  readonly cluster: string;
  readonly namespace: string;
  /** deployment, job, cronjob or pod. */
  readonly kind: string;
  readonly workload: string;
  readonly service: string;
  readonly version: string;
  readonly region: string;
  readonly zone: string;
}

/** The header's value. Source: Istio's HBONE, W3C Baggage. */
export function formatBaggage(baggage: Baggage): string {
  const members: readonly (readonly [string, string])[] = [
    ["k8s.cluster.name", baggage.cluster],
    ["k8s.namespace.name", baggage.namespace],
    [`k8s.${baggage.kind}.name`, baggage.workload],
    ["service.name", baggage.service],
    ["service.version", baggage.version],
    ["cloud.region", baggage.region],
    ["cloud.availability_zone", baggage.zone],
  ];
  return members.flatMap(([name, value]) => (value === "" ? [] : [`${name}=${value}`])).join(",");
}

const kinds: readonly string[] = ["deployment", "statefulset", "daemonset", "cronjob", "job", "pod"];

export function parseBaggage(text: string): Baggage {
  const members = new Map<string, string>();
  for (const member of text.split(",")) {
    // What follows a semicolon are properties, of which there are none here.
    const [pair = ""] = member.split(";");
    const equals = pair.indexOf("=");
    if (equals > 0) members.set(pair.slice(0, equals).trim(), pair.slice(equals + 1).trim());
  }
  const of = (name: string): string => members.get(name) ?? "";
  const kind = kinds.find((one) => members.has(`k8s.${one}.name`)) ?? "deployment";
  return {
    cluster: of("k8s.cluster.name"),
    namespace: of("k8s.namespace.name"),
    kind,
    workload: of(`k8s.${kind}.name`),
    service: of("service.name"),
    version: of("service.version"),
    region: of("cloud.region"),
    zone: of("cloud.availability_zone"),
  };
}
