import { createHash } from "node:crypto";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { Authorization } from "#gen/istio/istio/security/authorization.ts";
import { Address } from "#gen/istio/istio/workload/workload.ts";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import { VirtualHost } from "#gen/xds/envoy/config/route/v3/route_components.ts";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { addressType, authorizationType } from "#mesh/lib/xds/ambient-types.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import type { ProxyResources } from "../translate/translate.ts";

/** In the order in which a change is sent: what is referred to comes before what refers to it. */
export const xdsTypes = ["CDS", "EDS", "SDS", "LDS", "RDS", "WDS", "WADS"] as const;
export type XdsType = (typeof xdsTypes)[number];
/** What ztunnels ask for: addresses (workloads and services) and who may connect to them. */
export const ambientTypes = ["WDS", "WADS"] as const satisfies readonly XdsType[];
export type AmbientType = (typeof ambientTypes)[number];
/** What Envoys ask for and may be shown to people: all but secrets. */
export type EnvoyType = Exclude<XdsType, AmbientType | "SDS">;

export const typeUrlOf: Readonly<Record<XdsType, string>> = {
  CDS: typeUrls.cluster,
  EDS: typeUrls.endpoint,
  SDS: typeUrls.secret,
  LDS: typeUrls.listener,
  RDS: typeUrls.route,
  WDS: addressType.typeUrl,
  WADS: authorizationType.typeUrl,
};

const byUrl = new Map<string, XdsType>(xdsTypes.map((type) => [typeUrlOf[type], type]));
/** Undefined for types that this control plane does not serve. */
export const xdsTypeOf = (typeUrl: string): XdsType | undefined => byUrl.get(typeUrl);

/** A resource as it goes over the wire: encoded once, sent to many. */
export interface EncodedResource {
  readonly name: string;
  /** Hash of the content: equal content has an equal version, on every replica. */
  readonly version: string;
  readonly body: Any;
}

export type ResourceMap = ReadonlyMap<string, EncodedResource>;

/** What one proxy is to have, as of one snapshot. */
export interface ProxyConfig {
  readonly generation: number;
  readonly resources: Readonly<Record<XdsType, ResourceMap>>;
}

/** Encodes messages, each object once as long as it lives. */
export class ResourceEncoder {
  readonly #encoded = new WeakMap<object, EncodedResource>();
  readonly #maps = new WeakMap<object, ResourceMap>();
  readonly #parts = new WeakMap<VirtualHost, Part>();

  encodeAll(resources: ProxyResources): ProxyConfig["resources"] {
    return {
      CDS: this.#encodeMap("CDS", resources.clusters, (cluster) => whole(Cluster.encode(cluster).finish())),
      EDS: this.#encodeMap("EDS", resources.endpoints, (one) => whole(ClusterLoadAssignment.encode(one).finish())),
      SDS: this.#encodeMap("SDS", resources.secrets, (secret) => whole(Secret.encode(secret).finish())),
      LDS: this.#encodeMap("LDS", resources.listeners, (listener) => whole(Listener.encode(listener).finish())),
      RDS: this.#encodeMap("RDS", resources.routes, (routes) => this.#encodeRoutes(routes)),
      WDS: this.#encodeMap("WDS", resources.addresses, (address) => whole(Address.encode(address).finish())),
      WADS: this.#encodeMap("WADS", resources.authorizations, (one) => whole(Authorization.encode(one).finish())),
    };
  }

  #encodeMap<Message extends object>(
    type: XdsType,
    messages: ReadonlyMap<string, Message>,
    encode: (message: Message) => Part,
  ): ResourceMap {
    const known = this.#maps.get(messages);
    if (known !== undefined) return known;
    const result = new Map<string, EncodedResource>();
    for (const [name, message] of messages) {
      let encoded = this.#encoded.get(message);
      if (encoded === undefined) {
        const { bytes, hash } = encode(message);
        encoded = { name, version: hash, body: { typeUrl: typeUrlOf[type], value: bytes } };
        this.#encoded.set(message, encoded);
      }
      result.set(name, encoded);
    }
    this.#maps.set(messages, result);
    return result;
  }

  /** A route configuration of a thousand hosts of which one changed: the others' bytes are reused. */
  #encodeRoutes(routes: RouteConfiguration): Part {
    const head = whole(RouteConfiguration.encode({ ...routes, virtualHosts: [] }).finish());
    const parts = routes.virtualHosts.map((host) => {
      let part = this.#parts.get(host);
      if (part === undefined) {
        const bytes = VirtualHost.encode(host).finish();
        part = whole(new BinaryWriter().uint32(VIRTUAL_HOSTS_TAG).bytes(bytes).finish());
        this.#parts.set(host, part);
      }
      return part;
    });
    const bytes = Buffer.concat([head.bytes, ...parts.map((part) => part.bytes)]);
    return { bytes, hash: hashOf([head.hash, ...parts.map((part) => part.hash)].join("")) };
  }
}

/** Field 2 (virtual_hosts) of RouteConfiguration, length-delimited. */
const VIRTUAL_HOSTS_TAG = (2 << 3) | 2;

interface Part {
  readonly bytes: Buffer;
  readonly hash: string;
}

const hashOf = (data: Uint8Array | string): string => createHash("sha256").update(data).digest("hex").slice(0, 16);

function whole(data: Uint8Array): Part {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return { bytes, hash: hashOf(bytes) };
}
