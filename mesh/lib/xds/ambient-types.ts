import { Authorization } from "#gen/istio/istio/security/authorization.ts";
import { Address } from "#gen/istio/istio/workload/workload.ts";
import type { ResourceType } from "./resource-type.ts";

/** What is behind an address: a workload or a service. */
export const addressType: ResourceType<Address> = {
  typeUrl: "type.googleapis.com/istio.workload.Address",
  decode: (bytes) => Address.decode(bytes),
  nameOf: ({ type }) => {
    switch (type?.$case) {
      case "workload":
        return type.value.uid;
      case "service":
        return `${type.value.namespace}/${type.value.hostname}`;
      case undefined:
        throw new Error("is neither a workload nor a service");
    }
  },
};

/** Who may connect to workloads. */
export const authorizationType: ResourceType<Authorization> = {
  typeUrl: "type.googleapis.com/istio.security.Authorization",
  decode: (bytes) => Authorization.decode(bytes),
  nameOf: ({ namespace, name }) => `${namespace}/${name}`,
};
