import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kubeconfigConnection } from "./kubeconfig.ts";

let folder: string;
let path: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "slipway-kubeconfig-"));
  path = join(folder, "config");
  writeFileSync(join(folder, "token"), "from-file\n");
  writeFileSync(join(folder, "ca.crt"), "the CA");
  writeFileSync(
    path,
    `
apiVersion: v1
kind: Config
current-context: certificate
clusters:
- {name: local, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: ${btoa("inline CA")}}}
- {name: remote, cluster: {server: "https://example.test/k8s", certificate-authority: ca.crt, tls-server-name: api}}
- {name: open, cluster: {server: "https://127.0.0.1:1", insecure-skip-tls-verify: true}}
users:
- {name: admin, user: {client-certificate-data: ${btoa("cert")}, client-key-data: ${btoa("key")}}}
- {name: robot, user: {tokenFile: token}}
- {name: person, user: {username: ada, password: "x:y"}}
- name: plugin
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      interactiveMode: Never
      command: echo
      args: ['{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"from-plugin"}}']
contexts:
- {name: certificate, context: {cluster: local, user: admin}}
- {name: file, context: {cluster: remote, user: robot}}
- {name: password, context: {cluster: open, user: person}}
- {name: plugin, context: {cluster: open, user: plugin}}
- {name: broken, context: {cluster: nowhere, user: admin}}
`,
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

test("a client certificate in the file", async () => {
  const { server, tls, authorization } = kubeconfigConnection(path);
  expect(server.host).toBe("127.0.0.1:6443");
  expect(await tls()).toEqual({
    ca: Buffer.from("inline CA"),
    cert: Buffer.from("cert"),
    key: Buffer.from("key"),
    rejectUnauthorized: true,
  });
  expect(await authorization()).toBeUndefined();
});

test("files are found beside the kubeconfig", async () => {
  const { tls, authorization } = kubeconfigConnection(path, "file");
  expect(await tls()).toEqual({ ca: Buffer.from("the CA"), servername: "api", rejectUnauthorized: true });
  expect(await authorization()).toBe("Bearer from-file");
});

test("a password, and no check of the server where the file says so", async () => {
  const { tls, authorization } = kubeconfigConnection(path, "password");
  expect(await tls()).toEqual({ rejectUnauthorized: false });
  expect(await authorization()).toBe(`Basic ${btoa("ada:x:y")}`);
});

test("a plugin's token", async () => {
  const { tls, authorization } = kubeconfigConnection(path, "plugin");
  expect((await tls()).rejectUnauthorized).toBe(false);
  expect(await authorization()).toBe("Bearer from-plugin");
});

test("says what is missing", () => {
  expect(() => kubeconfigConnection(path, "broken")).toThrow("names no cluster");
  expect(() => kubeconfigConnection(path, "other")).toThrow("there is no context other");
});
