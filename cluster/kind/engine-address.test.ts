import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { engineAddresses, type Surroundings } from "./engine-address.ts";

const linux = (given: Partial<Surroundings> = {}): Surroundings => ({
  env: {},
  home: "/home/ann",
  platform: "linux",
  read: () => undefined,
  ...given,
});

/** Files that the docker command keeps of a context. */
function withContext(name: string, host: string | undefined): (path: string) => string | undefined {
  const id = createHash("sha256").update(name).digest("hex");
  return (path) => {
    if (path === "/home/ann/.docker/config.json") return JSON.stringify({ currentContext: name });
    if (path === `/home/ann/.docker/contexts/meta/${id}/meta.json` && host !== undefined)
      return JSON.stringify({ Endpoints: { docker: { Host: host } } });
    return undefined;
  };
}

test("DOCKER_HOST stands alone, with its certificates", () => {
  const env = { DOCKER_HOST: "tcp://box:2376", DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: "/certs" };
  expect(engineAddresses(linux({ env, read: withContext("colima", "unix:///c.sock") }))).toEqual([
    { host: "tcp://box:2376", from: "DOCKER_HOST", certificates: "/certs" },
  ]);
});

test("a chosen context stands alone", () => {
  const read = withContext("colima", "unix:///home/ann/.colima/default/docker.sock");
  expect(engineAddresses(linux({ read }))).toEqual([
    { host: "unix:///home/ann/.colima/default/docker.sock", from: 'Docker context "colima"' },
  ]);
});

test("a context that is not there has no address, and is named", () => {
  expect(engineAddresses(linux({ env: { DOCKER_CONTEXT: "gone" } }))).toEqual([
    { host: "", from: 'Docker context "gone"' },
  ]);
});

test("without a choice the usual sockets are tried", () => {
  const env = { XDG_RUNTIME_DIR: "/run/user/1000" };
  const hosts = engineAddresses(linux({ env })).map(({ host }) => host);
  expect(hosts[0]).toBe("unix:///var/run/docker.sock");
  expect(hosts).toContain("unix:///run/user/1000/podman/podman.sock");
  expect(hosts).toContain("unix:///home/ann/.colima/default/docker.sock");
  expect(hosts).toContain("unix:///home/ann/.rd/docker.sock");
});

test("on Windows these are pipes", () => {
  const hosts = engineAddresses(linux({ platform: "win32" })).map(({ host }) => host);
  expect(hosts[0]).toBe("npipe:////./pipe/docker_engine");
});
