import { z } from "zod";
import type { ObjectReference } from "#api/kinds/object.ts";
import type { Packet } from "#api/packet.ts";
import type { ClusterApi } from "../cluster-api.ts";
import type { CallRequest, Measurements, PacketsRequest } from "../labs/measurements.ts";
import { packetsBetween } from "../packets/between.ts";
import type { Collector } from "../telemetry/collector.ts";
import { isSynced } from "../telemetry/mesh-status.ts";
import type { Generator } from "./generator.ts";

/** The control plane's answer to "who has this version of this object" (/slipway/acks). */
const acks = z.looseObject({
  since: z.number().optional(),
  acknowledged: z.boolean(),
  proxies: z.array(z.looseObject({ proxy: z.string(), ackedGeneration: z.number(), rejected: z.unknown() })),
});

const TIMEOUT_MS = 5000;
/** Kinds whose objects become configuration of proxies. */
const isConfiguration = ({ apiVersion }: ObjectReference): boolean =>
  /^(networking|security)\.istio\.io\//.test(apiVersion);

/** What the labs' checks look at, from the running cluster. */
export function createMeasurements(api: ClusterApi, collector: Collector, generator: Generator): Measurements {
  return {
    workload: async (namespace, name) => collector.workload(namespace, name),
    exists: async (object) => (await api.get(object)) !== undefined,
    unacknowledged: async (applied) => {
      const behind = new Map<string, string>();
      const { proxies } = await collector.readAcknowledgements(AbortSignal.timeout(TIMEOUT_MS));
      for (const proxy of proxies) if (!isSynced(proxy)) behind.set(proxy.id, proxy.rejected ?? "not acknowledged yet");
      // A control plane that has not seen the change yet would call everybody in sync: so it is asked about the very version.
      for (const object of applied.filter(isConfiguration)) {
        for (const [id, why] of await whoLacks(api, collector, object)) behind.set(id, why);
      }
      return { proxies: proxies.length, behind: [...behind].map(([id, why]) => ({ id, why })) };
    },
    call: (request) => callFrom(api, collector, request),
    packets: (request) => packetsOf(api, collector, request),
    browse: (request, signal) => generator.browse(request, signal),
    probe: (request, options) => generator.probe(request, options),
    edges: (windowSeconds) => collector.edges(windowSeconds),
    proxyUse: (seconds) => collector.proxyUse(seconds),
  };
}

function lackingBy({ acknowledged, proxies, since }: z.infer<typeof acks>): z.infer<typeof acks>["proxies"] {
  if (acknowledged) return [];
  return proxies.filter((proxy) => since === undefined || proxy.ackedGeneration < since);
}

const formOf = ({ client, secret }: { readonly client: string; readonly secret: string }): string =>
  new URLSearchParams({ client_id: client, client_secret: secret }).toString();

const CALLS = 5;

async function packetsOf(
  api: ClusterApi,
  collector: Collector,
  { at, peer, url, seconds, signal }: PacketsRequest,
): Promise<readonly Packet[] | undefined> {
  const [pod] = collector.podsOf(at.namespace, at.workload);
  const peers = collector.podsOf(peer.namespace, peer.workload).map(({ address }) => address);
  if (pod === undefined || peers.length === 0) return undefined;
  const call = { from: peer, method: "GET", headers: {}, body: undefined, login: undefined, count: CALLS, signal };
  const during = url === undefined ? undefined : async () => void (await callFrom(api, collector, { ...call, url }));
  return packetsBetween(api, { pod: { namespace: at.namespace, pod: pod.name }, peers, seconds, during, signal });
}

/** A certificate that no authority is named for is not verified: what is shown is all the same told. */
const tlsOptions = ({ roots, client, serverName }: NonNullable<CallRequest["tls"]>): readonly string[] => [
  "--subject",
  ...(roots === undefined ? ["-k"] : ["--cacert", roots]),
  ...(client === undefined ? [] : ["--cert", `${client}/tls.crt`, "--key", `${client}/tls.key`]),
  ...(serverName === undefined ? [] : ["--servername", serverName]),
];

const tally = z.record(z.string(), z.number());

async function callFrom(api: ClusterApi, collector: Collector, request: CallRequest): Promise<Record<string, number>> {
  const { from, headers, body, login, connect, tls, signal } = request;
  const container = collector.applicationOf(from.namespace, from.workload);
  if (container === undefined) return {};
  const options = [
    ...["--tally", "-n", String(request.count), "-X", request.method],
    ...Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    ...(body === undefined ? [] : ["-d", body]),
    ...(connect === undefined ? [] : ["--connect", connect]),
    ...(tls === undefined ? [] : tlsOptions(tls)),
    ...(login === undefined ? [] : ["--login", login.url, "--as", formOf(login)]),
  ];
  const { code, stdout, stderr } = await api.run(container, ["tools", "client", ...options, request.url], signal);
  if (code !== 0) throw new Error(`the client in ${from.workload} ended with ${code}: ${stderr.trim().slice(0, 300)}`);
  return tally.parse(JSON.parse(stdout));
}

async function whoLacks(
  api: ClusterApi,
  collector: Collector,
  object: ObjectReference,
): Promise<readonly (readonly [string, string])[]> {
  const live = await api.get(object);
  if (live === undefined) return [];
  const query = new URLSearchParams({
    resource: `${object.kind}/${object.namespace ?? "default"}/${object.name}`,
    resourceVersion: live.metadata.resourceVersion ?? "",
  });
  try {
    const texts = await collector.controlPlanes(`/slipway/acks?${query}`, AbortSignal.timeout(TIMEOUT_MS));
    // Each copy of the control plane answers for the proxies that are connected to it, by its own count of generations.
    return texts
      .flatMap((text) => lackingBy(acks.parse(JSON.parse(text))))
      .map((proxy) => [proxy.proxy, `has not acknowledged ${object.kind} ${object.name} in this version`] as const);
  } catch (error) {
    return [["the control plane", error instanceof Error ? error.message : String(error)]];
  }
}
