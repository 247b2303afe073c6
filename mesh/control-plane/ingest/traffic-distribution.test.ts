import { expect, test } from "vitest";
import { trafficDistribution } from "./traffic-distribution.ts";

const annotated = (value: string) => ({ "networking.istio.io/traffic-distribution": value });

test.each([
  [{}, {}, "any"],
  [{ trafficDistribution: "PreferClose" }, {}, "same-zone"],
  [{ trafficDistribution: "PreferSameZone" }, {}, "same-zone"],
  [{ trafficDistribution: "PreferSameNode" }, {}, "same-node"],
  [{ trafficDistribution: "Unheard" }, {}, "any"],
  [{}, annotated("PreferClose"), "same-zone"],
  [{}, annotated("prefersamenode"), "same-node"],
  [{}, annotated("Any"), "any"],
  [{ trafficDistribution: "PreferSameNode" }, annotated("PreferClose"), "same-node"],
  [{ internalTrafficPolicy: "Local", trafficDistribution: "PreferClose" }, {}, "only-node"],
  [{ internalTrafficPolicy: "Cluster" }, annotated("PreferSameZone"), "same-zone"],
])("%j with %j is %s", (spec, annotations, expected) => expect(trafficDistribution(spec, annotations)).toBe(expected));
