import { asArray, asObject, asString, isObject, type JsonObject } from "../../machinery/json.ts";
import { parseQuantity } from "../../node/quantity.ts";
import type { FieldProblem } from "../status.ts";
import {
  duplicate,
  forbidden,
  isPort,
  labelProblems,
  missing,
  oneOf,
  PORT_RANGE,
  PROTOCOLS,
  required,
  wrong,
} from "./problems.ts";

/** What a container may refer to. */
export interface ContainerContext {
  readonly path: string;
  readonly volumes: ReadonlySet<string>;
  /** Names that are taken; the container's own is added. */
  readonly names: Set<string>;
}

export function containerProblems(container: JsonObject, context: ContainerContext): readonly FieldProblem[] {
  const { path, names } = context;
  const problems: FieldProblem[] = [];
  const name = asString(container.name);
  if (name === "") problems.push(required(`${path}.name`));
  else if (names.has(name)) problems.push(duplicate(`${path}.name`, name));
  else problems.push(...labelProblems(`${path}.name`, name));
  names.add(name);
  if (asString(container.image) === "") problems.push(required(`${path}.image`));
  return [
    ...problems,
    ...oneOf({ object: container, name: "imagePullPolicy", path }, ["Always", "IfNotPresent", "Never"]),
    ...portProblems(container, path),
    ...variableProblems(container, path),
    ...mountProblems(container, context),
    ...["livenessProbe", "readinessProbe", "startupProbe"].flatMap((probe) =>
      isObject(container[probe]) ? handlerProblems(asObject(container[probe]), `${path}.${probe}`) : [],
    ),
    ...resourceProblems(asObject(container.resources), `${path}.resources`),
  ];
}

function portProblems(container: JsonObject, path: string): readonly FieldProblem[] {
  const names = new Set<string>();
  return asArray(container.ports)
    .map(asObject)
    .flatMap((port, index) => {
      const at = `${path}.ports[${index}]`;
      const problems: FieldProblem[] = [];
      const name = asString(port.name);
      if (name !== "") {
        problems.push(...portNameProblems(`${at}.name`, name));
        if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
        names.add(name);
      }
      if (port.containerPort === undefined || port.containerPort === 0) problems.push(required(`${at}.containerPort`));
      else if (!isPort(port.containerPort)) problems.push(wrong(`${at}.containerPort`, port.containerPort, PORT_RANGE));
      return [...problems, ...oneOf({ object: port, name: "protocol", path: at }, PROTOCOLS)];
    });
}

/** Source: RFC 6335, names of services. */
function portNameProblems(field: string, name: string): readonly FieldProblem[] {
  if (name.length > 15) return [wrong(field, name, "must be no more than 15 characters")];
  if (!/^[-a-z0-9]+$/.test(name))
    return [wrong(field, name, "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")];
  if (!/[a-z]/.test(name)) return [wrong(field, name, "must contain at least one letter (a-z)")];
  if (name.includes("--")) return [wrong(field, name, "must not contain consecutive hyphens")];
  return /^-|-$/.test(name) ? [wrong(field, name, "must not begin or end with a hyphen")] : [];
}

function variableProblems(container: JsonObject, path: string): readonly FieldProblem[] {
  return asArray(container.env)
    .map(asObject)
    .flatMap((variable, index) => {
      const at = `${path}.env[${index}]`;
      const problems: FieldProblem[] = asString(variable.name) === "" ? [required(`${at}.name`)] : [];
      if (isObject(variable.valueFrom) && asString(variable.value) !== "")
        problems.push(wrong(`${at}.valueFrom`, "", "may not be specified when `value` is not empty"));
      return problems;
    });
}

function mountProblems(container: JsonObject, { path, volumes }: ContainerContext): readonly FieldProblem[] {
  const paths = new Set<string>();
  return asArray(container.volumeMounts)
    .map(asObject)
    .flatMap((mount, index) => {
      const at = `${path}.volumeMounts[${index}]`;
      const [name, mountPath] = [asString(mount.name), asString(mount.mountPath)];
      const problems: FieldProblem[] = [];
      if (name === "") problems.push(required(`${at}.name`));
      else if (!volumes.has(name)) problems.push(missing(`${at}.name`, name));
      if (mountPath === "") problems.push(required(`${at}.mountPath`));
      else if (paths.has(mountPath)) problems.push(wrong(`${at}.mountPath`, mountPath, "must be unique"));
      paths.add(mountPath);
      return problems;
    });
}

function handlerProblems(probe: JsonObject, path: string): readonly FieldProblem[] {
  const kinds = ["exec", "httpGet", "tcpSocket", "grpc"].filter((kind) => probe[kind] !== undefined);
  if (kinds.length === 0) return [required(path, "must specify a handler type")];
  return kinds.slice(1).map((kind) => forbidden(`${path}.${kind}`, "may not specify more than 1 handler type"));
}

function resourceProblems({ requests, limits }: JsonObject, path: string): readonly FieldProblem[] {
  return Object.entries(asObject(requests)).flatMap(([name, request]) => {
    const limit = asObject(limits)[name];
    if (limit === undefined || parseQuantity(String(request)) <= parseQuantity(String(limit))) return [];
    return [wrong(`${path}.requests`, request, `must be less than or equal to ${name} limit of ${String(limit)}`)];
  });
}
