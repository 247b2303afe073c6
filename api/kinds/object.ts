import type { IObjectMeta } from "@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta";

/** What every Kubernetes object has. Kinds themselves are typed by kubernetes-models, @kubernetes-models/istio and …/gateway-api (types only). */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: IObjectMeta;
}

export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}
