import { gatewayController, meshController } from "#api/names.ts";
import { gatewayClasses } from "../model/kubernetes-gateway.ts";

/** What Gateways of one class become. Names and descriptions: Istio's. */
export interface GatewayClassInfo {
  readonly name: string;
  /** Who runs Gateways of the class. */
  readonly controller: string;
  readonly description: string;
  /** Value of the label gateway.istio.io/managed on what is made for them. */
  readonly managed: string;
  readonly role: "router" | "waypoint";
  readonly serviceType: "ClusterIP" | "LoadBalancer";
  /** What the names of the objects made for a Gateway end in. */
  readonly suffix: string;
  /** Whether listeners of such Gateways are served; where they are not, the status says so and nothing is run. */
  readonly programmed: boolean;
}

export const classes: readonly GatewayClassInfo[] = [
  {
    name: gatewayClasses.gateway,
    controller: "istio.io/gateway-controller",
    description: "The default Istio GatewayClass",
    managed: gatewayController,
    role: "router",
    serviceType: "LoadBalancer",
    suffix: `-${gatewayClasses.gateway}`,
    programmed: false,
  },
  {
    name: gatewayClasses.waypoint,
    controller: "istio.io/mesh-controller",
    description: "The default Istio waypoint GatewayClass",
    managed: meshController,
    role: "waypoint",
    serviceType: "ClusterIP",
    suffix: "",
    programmed: true,
  },
];

export const classOf = (name: string | undefined): GatewayClassInfo | undefined =>
  classes.find((one) => one.name === name);
