import type { IDeployment } from "kubernetes-models/apps/v1/Deployment";
import type { IService } from "kubernetes-models/v1/Service";
import type { IServiceAccount } from "kubernetes-models/v1/ServiceAccount";
import type { KubeObject } from "#api/kinds/object.ts";

type Labels = Readonly<Record<string, string>>;

/** A gateway.networking.k8s.io Gateway as the API server has it. */
export interface GatewayObject extends KubeObject {
  readonly spec: {
    readonly gatewayClassName: string;
    readonly listeners?: readonly GatewayListener[];
    readonly infrastructure?: { readonly labels?: Labels; readonly annotations?: Labels };
    /** Where the gateway is already: then it is run by somebody else. */
    readonly addresses?: readonly { readonly type?: string; readonly value?: string }[];
  };
  readonly status?: GatewayStatus;
}

export interface GatewayListener {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
  /** RFC 3339: since when the status is what it is. */
  readonly lastTransitionTime: string;
}

export interface GatewayStatus {
  readonly addresses?: readonly { readonly type?: string; readonly value: string }[];
  readonly conditions?: readonly Condition[];
  readonly listeners?: readonly ListenerStatus[];
}

export interface ListenerStatus {
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds: readonly { readonly group?: string; readonly kind: string }[];
  readonly conditions: readonly Condition[];
}

export type DeploymentObject = IDeployment & KubeObject;
export type ServiceObject = IService & KubeObject;
export type ServiceAccountObject = IServiceAccount & KubeObject;
