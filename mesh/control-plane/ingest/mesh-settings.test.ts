import { expect, it } from "vitest";
import type { KubeObject } from "#api/kinds/object.ts";
import { MeshSettings } from "./mesh-settings.ts";

const configMap = (name: string, mesh: string, namespace = "istio-system"): KubeObject =>
  ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { mesh } }) as KubeObject;
const authorizer = (name: string, port = 8000): string =>
  `extensionProviders: [{ name: ${name}, envoyExtAuthzHttp: { service: auth.test, port: ${port} } }]`;
const settings = (): MeshSettings => new MeshSettings({ rootNamespace: "istio-system", shared: "istio-shared" });

it("the installation's settings take precedence over shared ones, and the providers of both count", () => {
  const mesh = settings();
  expect(mesh.put(configMap("istio", `connectTimeout: 1s\n${authorizer("one")}`))).toBe(true);
  expect(mesh.put(configMap("istio-shared", `connectTimeout: 2s\naccessLogFile: ""\n${authorizer("two")}`))).toBe(true);
  const { connectTimeout, accessLogFile, extensionProviders } = mesh.current;
  expect([connectTimeout, accessLogFile]).toEqual(["1s", ""]);
  expect(extensionProviders.map(({ name }) => name)).toEqual(["two", "one"]);
  expect(mesh.put(configMap("istio-shared", `connectTimeout: 3s\naccessLogFile: ""\n${authorizer("two")}`))).toBe(
    false,
  );
  expect(mesh.delete(configMap("istio-shared", ""))).toBe(true);
  expect(mesh.current.accessLogFile).toBe("/dev/stdout");
});

it("what is somewhere else or called otherwise is none", () => {
  const mesh = settings();
  expect(mesh.put(configMap("istio", "connectTimeout: 1s", "shop"))).toBe(false);
  expect(mesh.put(configMap("istio-ca-root-cert", "connectTimeout: 1s"))).toBe(false);
  expect(mesh.delete(configMap("istio", "", "shop"))).toBe(false);
});

it.each([
  ["a port that is none", authorizer("one", 70_000), /port/],
  [
    "a status that is none",
    "extensionProviders: [{ name: a, envoyExtAuthzGrpc: { service: a, port: 1, statusOnError: ok } }]",
    /status/,
  ],
  [
    "a path that is none",
    "extensionProviders: [{ name: a, envoyExtAuthzHttp: { service: a, port: 1, pathPrefix: x } }]",
    /begins with/,
  ],
  [
    "a time that is none",
    "extensionProviders: [{ name: a, envoyExtAuthzGrpc: { service: a, port: 1, timeout: 5 s } }]",
    /no duration/,
  ],
  ["a provider without a name", "extensionProviders: [{ zipkin: {} }]", /name/],
  ["no object", "[]", /record|object/],
])("%s is refused, and what was in force stays", (_, text, message) => {
  const mesh = settings();
  mesh.put(configMap("istio", "connectTimeout: 1s"));
  expect(() => mesh.put(configMap("istio", text))).toThrow(message);
  expect(mesh.current.connectTimeout).toBe("1s");
});
