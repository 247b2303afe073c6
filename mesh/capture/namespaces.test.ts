import { expect, test } from "vitest";
import { gatewaysIn } from "./namespaces.ts";

const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";

test.each<[string, readonly string[], readonly string[]]>([
  ["no route", [], []],
  ["a default route", ["eth0\t00000000\t0100F40A\t0003\t0\t0\t0\t00000000\t0\t0\t0"], ["10.244.0.1"]],
  ["a network on the link", ["eth0\t0000F40A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0"], []],
])("gateways of %s", (_, lines, expected) => {
  expect(gatewaysIn([header, ...lines, ""].join("\n"))).toEqual(expected);
});
