import type { IPeerAuthentication } from "@kubernetes-models/istio/security.istio.io/v1/PeerAuthentication";
import { type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels } from "./rules.ts";

/** Reads a PeerAuthentication and judges it by Istio's rules. Source: PeerAuthentication in Istio's API reference. */
export const parsePeerAuthentication = (object: KubeObject): Parsed<IPeerAuthentication> => parseWith(object, check);

function check(spec: Field): void {
  const labels = spec.at("selector").at("matchLabels");
  checkLabels(labels);
  const ports = spec.at("portLevelMtls").entries();
  if (ports.length > 0 && labels.entries().length === 0)
    spec.at("portLevelMtls").error("needs a selector: ports are those of certain workloads");
  for (const [port, setting] of ports) {
    if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
      setting.error(`"${port}" is not a port (1 to 65535)`);
  }
}
