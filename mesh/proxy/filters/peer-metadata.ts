import { Struct } from "#gen/xds/google/protobuf/struct.ts";
import { type Baggage, parseBaggage } from "../../lib/hbone/baggage.ts";
import type { Head } from "../http1/head.ts";
import { known } from "../http1/known-headers.ts";
import type { PeerMetadata } from "../request-record.ts";

/** Takes a peer's metadata out of a head: it is for the proxy, not for the application behind it. */
export function takePeerHeader(head: Head): string | undefined {
  const index = head.indexOf(known.peerMetadata);
  head.dropId(known.peerMetadataId);
  if (index < 0) return undefined;
  head.dropped[index] = 1;
  return head.valueAt(index);
}

/** What Istio's proxies tell each other about their workloads, in x-envoy-peer-metadata: base64 of a protobuf Struct. */
export class PeerMetadataCodec {
  /** Our own, ready to send. */
  readonly own: string;
  readonly #known = new Map<string, PeerMetadata | undefined>();

  constructor(self: PeerMetadata) {
    this.own = encode(self);
  }

  /** What a header says; the few different ones that are seen are decoded once. */
  decode(header: string): PeerMetadata | undefined {
    return this.#remember(header, decode);
  }

  /** What a tunnel's baggage says; remembered as well. */
  ofBaggage(header: string): PeerMetadata {
    return this.#remember(`baggage ${header}`, () => fromBaggage(parseBaggage(header))) ?? unknownPeer;
  }

  #remember(key: string, make: (key: string) => PeerMetadata | undefined): PeerMetadata | undefined {
    if (this.#known.has(key)) return this.#known.get(key);
    // Anybody may send anything: forget rather than grow.
    if (this.#known.size >= 1024) this.#known.clear();
    const peer = make(key);
    this.#known.set(key, peer);
    return peer;
  }
}

function fromBaggage({ cluster, namespace, workload, service, version }: Baggage): PeerMetadata {
  return {
    name: "",
    namespace,
    workload,
    app: service,
    version,
    canonicalService: service,
    canonicalRevision: version || "latest",
    cluster,
  };
}

const unknownPeer = fromBaggage(parseBaggage(""));

function encode(self: PeerMetadata): string {
  const fields = {
    NAME: self.name,
    NAMESPACE: self.namespace,
    WORKLOAD_NAME: self.workload,
    CLUSTER_ID: self.cluster,
    LABELS: {
      app: self.app,
      version: self.version,
      "service.istio.io/canonical-name": self.canonicalService,
      "service.istio.io/canonical-revision": self.canonicalRevision,
    },
  };
  return Buffer.from(Struct.encode(Struct.wrap(fields)).finish()).toString("base64");
}

function decode(header: string): PeerMetadata | undefined {
  try {
    const fields = Struct.unwrap(Struct.decode(Buffer.from(header, "base64")));
    const labels: unknown = fields.LABELS;
    return {
      name: text(fields, "NAME"),
      namespace: text(fields, "NAMESPACE"),
      workload: text(fields, "WORKLOAD_NAME"),
      app: text(labels, "app"),
      version: text(labels, "version"),
      canonicalService: text(labels, "service.istio.io/canonical-name"),
      canonicalRevision: text(labels, "service.istio.io/canonical-revision"),
      cluster: text(fields, "CLUSTER_ID"),
    };
  } catch {
    return undefined;
  }
}

function text(source: unknown, name: string): string {
  if (typeof source !== "object" || source === null) return "";
  const value: unknown = Reflect.get(source, name);
  return typeof value === "string" ? value : "";
}
