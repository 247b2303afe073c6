import { isIP } from "node:net";
import { asArray, asObject, asString, type JsonObject } from "../../machinery/json.ts";
import { keyProblems, labelValueProblems } from "../object-meta.ts";
import type { FieldProblem } from "../status.ts";
import {
  duplicate,
  forbidden,
  isPort,
  labelProblems,
  oneOf,
  PORT_RANGE,
  PROTOCOLS,
  required,
  wrong,
} from "./problems.ts";

export function serviceProblems(spec: JsonObject): readonly FieldProblem[] {
  return [
    ...(spec.type === "ExternalName" || spec.clusterIP === "None" || asArray(spec.ports).length > 0
      ? []
      : [required("spec.ports")]),
    ...portProblems(spec),
    ...Object.entries(asObject(spec.selector)).flatMap(([key, value]) => [
      ...keyProblems("spec.selector", key),
      ...labelValueProblems("spec.selector", String(value)),
    ]),
    ...(spec.sessionAffinity === undefined
      ? []
      : oneOf({ object: spec, name: "sessionAffinity", path: "spec" }, ["ClientIP", "None"])),
    ...addressProblems(spec),
    ...oneOf({ object: spec, name: "type", path: "spec" }, ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ...(spec.type === "ExternalName" && asString(spec.externalName) === "" ? [required("spec.externalName")] : []),
  ];
}

function addressProblems({ clusterIP }: JsonObject): readonly FieldProblem[] {
  const address = asString(clusterIP);
  return address === "" || address === "None" || isIP(address) !== 0
    ? []
    : [wrong("spec.clusterIPs[0]", address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
}

function portProblems(spec: JsonObject): readonly FieldProblem[] {
  const ports = asArray(spec.ports).map(asObject);
  const names = new Set<string>();
  const numbers = new Set<string>();
  const problems = ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    return [
      ...nameProblems(port, { field: `${at}.name`, isOnly: ports.length === 1, names }),
      ...(isPort(port.port) ? [] : [wrong(`${at}.port`, port.port ?? 0, PORT_RANGE)]),
      ...oneOf({ object: port, name: "protocol", path: at }, PROTOCOLS),
      ...targetProblems(port, `${at}.targetPort`),
      ...(port.nodePort !== undefined &&
      port.nodePort !== 0 &&
      (spec.type === "ClusterIP" || spec.type === "ExternalName")
        ? [forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`)]
        : []),
    ];
  });
  for (const [index, { port, protocol }] of ports.entries()) {
    const key = `${String(protocol)} ${String(port)}`;
    if (numbers.has(key)) problems.push(duplicate(`spec.ports[${index}]`, shownPort(String(protocol), Number(port))));
    numbers.add(key);
  }
  return problems;
}

/** Kubernetes shows its own structure here, as far as it was compared. */
const shownPort = (protocol: string, port: number): JsonObject => ({
  Name: "",
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

function nameProblems(
  { name }: JsonObject,
  { field, isOnly, names }: { readonly field: string; readonly isOnly: boolean; readonly names: Set<string> },
): readonly FieldProblem[] {
  const text = asString(name);
  if (text === "") return isOnly ? [] : [required(field)];
  if (names.has(text)) return [duplicate(field, text)];
  names.add(text);
  return labelProblems(field, text);
}

function targetProblems({ targetPort }: JsonObject, field: string): readonly FieldProblem[] {
  return typeof targetPort !== "number" || isPort(targetPort) ? [] : [wrong(field, targetPort, PORT_RANGE)];
}
