import { describe, expect, it } from "vitest";
import { ContainerConfigError, containerEnv, type EnvSources, expand, serviceEnv } from "./env.ts";
import type { Container, Pod } from "./kinds.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "cart-1", namespace: "shop", uid: "u", labels: { app: "cart" } },
  spec: { nodeName: "slipway", containers: [] },
} as Pod;
const sources: EnvSources = {
  pod,
  podIp: "10.244.0.5",
  hostIp: "172.18.0.2",
  imageEnv: { PATH: "/bin" },
  configMap: (name) =>
    name === "settings"
      ? { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "1", b: "2" } }
      : undefined,
  secret: (name) =>
    name === "keys" ? { apiVersion: "v1", kind: "Secret", metadata: { name }, data: { key: "c2VjcmV0" } } : undefined,
  services: [],
};
const env = (part: Partial<Container>): Record<string, string> => containerEnv({ name: "main", ...part }, sources);

describe("$(NAME) in values", () => {
  it.each([
    ["$(A)", "1"],
    ["x$(A)y$(A)", "x1y1"],
    ["$(MISSING)", "$(MISSING)"],
    ["$$(A)", "$(A)"],
    ["$$$(A)", "$1"],
    ["$A {A} $", "$A {A} $"],
    ["$(A", "$(A"],
  ])("%s becomes %s", (text, expected) => expect(expand(text, { A: "1" })).toBe(expected));
});

describe("a container's environment", () => {
  it.each([
    ["metadata.name", "cart-1"],
    ["metadata.namespace", "shop"],
    ["metadata.labels['app']", "cart"],
    ["metadata.annotations['none']", ""],
    ["spec.nodeName", "slipway"],
    ["spec.serviceAccountName", "default"],
    ["status.podIP", "10.244.0.5"],
    ["status.hostIP", "172.18.0.2"],
  ])("has field %s", (fieldPath, expected) => {
    expect(env({ env: [{ name: "X", valueFrom: { fieldRef: { fieldPath } } }] }).X).toBe(expected);
  });

  it.each([
    ["limits.cpu", "1", "2"],
    ["limits.cpu", "1m", "1500"],
    ["requests.memory", "1Mi", "128"],
    ["requests.cpu", "1", "0"],
  ])("has resource %s in units of %s", (resource, divisor, expected) => {
    const resources = { limits: { cpu: "1500m" }, requests: { memory: "128Mi" } };
    expect(env({ resources, env: [{ name: "X", valueFrom: { resourceFieldRef: { resource, divisor } } }] }).X).toBe(
      expected,
    );
  });

  it("lets later sources win: image, services, envFrom, env", () => {
    const result = env({
      envFrom: [{ prefix: "P_", configMapRef: { name: "settings" } }, { secretRef: { name: "keys" } }],
      env: [
        { name: "P_a", value: "own" },
        { name: "PATH", value: "$(P_b):$(key)" },
      ],
    });
    expect(result).toMatchObject({ P_a: "own", P_b: "2", key: "secret", PATH: "2:secret" });
  });

  it.each<[string, Partial<Container>]>([
    ["a missing config map", { envFrom: [{ configMapRef: { name: "none" } }] }],
    ["a missing secret", { env: [{ name: "X", valueFrom: { secretKeyRef: { name: "none", key: "a" } } }] }],
    ["a missing key", { env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "settings", key: "none" } } }] }],
  ])("refuses %s", (_, part) => expect(() => env(part)).toThrow(ContainerConfigError));

  it("leaves out optional sources that are missing", () => {
    const optional = { name: "none", key: "a", optional: true };
    expect(
      env({
        envFrom: [{ secretRef: { name: "none", optional: true } }],
        env: [{ name: "X", valueFrom: { configMapKeyRef: optional } }],
      }),
    ).not.toHaveProperty("X");
  });

  it("names services as container links did", () => {
    const service = {
      apiVersion: "v1" as const,
      kind: "Service" as const,
      metadata: { name: "my-web" },
      spec: { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] },
    };
    expect(serviceEnv([service, { ...service, spec: { ...service.spec, clusterIP: "None" } }])).toEqual({
      MY_WEB_SERVICE_HOST: "10.96.1.1",
      MY_WEB_SERVICE_PORT: "80",
      MY_WEB_SERVICE_PORT_HTTP: "80",
      MY_WEB_PORT: "tcp://10.96.1.1:80",
      MY_WEB_PORT_80_TCP: "tcp://10.96.1.1:80",
      MY_WEB_PORT_80_TCP_PROTO: "tcp",
      MY_WEB_PORT_80_TCP_PORT: "80",
      MY_WEB_PORT_80_TCP_ADDR: "10.96.1.1",
    });
  });
});
