import { createHash } from "node:crypto";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { ClusterLoadAssignment } from "#gen/xds/envoy/config/endpoint/v3/endpoint.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import { RouteConfiguration } from "#gen/xds/envoy/config/route/v3/route.ts";
import type { Any } from "#gen/xds/google/protobuf/any.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import type { ProxyResources } from "../translate/translate.ts";

/** In the order in which a change is sent: what is referred to comes before what refers to it. */
export const xdsTypes = ["CDS", "EDS", "LDS", "RDS"] as const;
export type XdsType = (typeof xdsTypes)[number];

export const typeUrlOf: Readonly<Record<XdsType, string>> = {
  CDS: typeUrls.cluster,
  EDS: typeUrls.endpoint,
  LDS: typeUrls.listener,
  RDS: typeUrls.route,
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

  encodeAll(resources: ProxyResources): ProxyConfig["resources"] {
    return {
      CDS: this.#encodeMap("CDS", resources.clusters, (cluster) => Cluster.encode(cluster).finish()),
      EDS: this.#encodeMap("EDS", resources.endpoints, (one) => ClusterLoadAssignment.encode(one).finish()),
      LDS: this.#encodeMap("LDS", resources.listeners, (listener) => Listener.encode(listener).finish()),
      RDS: this.#encodeMap("RDS", resources.routes, (routes) => RouteConfiguration.encode(routes).finish()),
    };
  }

  #encodeMap<Message extends object>(
    type: XdsType,
    messages: ReadonlyMap<string, Message>,
    encode: (message: Message) => Uint8Array,
  ): ResourceMap {
    const result = new Map<string, EncodedResource>();
    for (const [name, message] of messages) {
      let encoded = this.#encoded.get(message);
      if (encoded === undefined) {
        const value = Buffer.from(encode(message));
        const version = createHash("sha256").update(value).digest("hex").slice(0, 16);
        encoded = { name, version, body: { typeUrl: typeUrlOf[type], value } };
        this.#encoded.set(message, encoded);
      }
      result.set(name, encoded);
    }
    return result;
  }
}
