import { describe, expect, it } from "vitest";
import { isProtected, launchLine } from "./container-command.ts";
import type { Image } from "./images.ts";
import type { Container, Pod } from "./kinds.ts";
import { containerIdentity } from "./security.ts";

const image: Image = {
  name: "mesh",
  path: "/images/mesh",
  references: ["mesh:1"],
  entrypoint: [],
  cmd: [],
  env: {},
  workdir: "/",
  user: "1337:1337",
};
const identity = (
  security: Container["securityContext"],
  options: { pod?: object; volumes?: readonly object[]; fullIdMap?: boolean } = {},
) => {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {},
    spec: { containers: [], securityContext: options.pod ?? {}, volumes: options.volumes ?? [] },
  } as unknown as Pod;
  const container: Container = { name: "a", ...(security === undefined ? {} : { securityContext: security }) };
  return containerIdentity(pod, container, { image, fullIdMap: options.fullIdMap ?? true });
};

describe("who a container is", () => {
  it("takes container before pod before image", () => {
    expect(identity(undefined)).toMatchObject({ uid: 1337, gid: 1337, groups: [] });
    expect(identity(undefined, { pod: { runAsUser: 5, fsGroup: 9, supplementalGroups: [8] } })).toMatchObject({
      uid: 5,
      groups: [8, 9],
    });
    expect(identity({ runAsUser: 0, runAsGroup: 3 }, { pod: { runAsUser: 5 } })).toMatchObject({ uid: 0, gid: 3 });
  });

  it("is the one mapped id where there is no other, and says which it should have been", () => {
    expect(identity({ runAsUser: 5 }, { fullIdMap: false })).toMatchObject({ uid: 0, gid: 0, unmappedUid: 5 });
    expect(identity({ runAsUser: 0 }, { fullIdMap: false })).toMatchObject({ uid: 0, unmappedUid: undefined });
  });

  it("lets the proxy mark its sockets where its user id cannot tell it apart", () => {
    const drop = { capabilities: { drop: ["ALL"] } };
    expect(identity(drop, { fullIdMap: false }).capabilities).toEqual(["net_admin"]);
    expect(identity(drop).capabilities).toEqual([]);
  });

  it.each([
    [{ add: ["NET_ADMIN", "CAP_NET_RAW"] }, ["net_admin", "net_raw"], []],
    [{ drop: ["ALL"], add: ["NET_BIND_SERVICE"] }, ["net_bind_service"], ["chown"]],
    [{ drop: ["CHOWN"] }, ["kill"], ["chown"]],
    [{ add: ["SYS_ADMIN", "SYS_MODULE", "BPF"] }, [], ["sys_admin", "sys_module", "bpf"]],
    [{ add: ["ALL"] }, ["net_admin"], ["sys_admin", "sys_ptrace", "mknod"]],
  ])("with %j", (capabilities, has, hasNot) => {
    const set = identity({ capabilities }).capabilities;
    for (const name of has) expect(set).toContain(name);
    for (const name of hasNot) expect(set).not.toContain(name);
  });

  it.each([
    [["SYS_ADMIN"], "/var/run/netns", ["sys_admin"]],
    [["SYS_ADMIN", "BPF"], "/var/run/netns", ["sys_admin", "bpf"]],
    [["BPF"], "/var/run/netns", []],
    [["SYS_ADMIN", "BPF"], "/sys/fs/cgroup", []],
  ])("with %j and %s shown, may capture: %j", (add, path, has) => {
    const capabilities = { drop: ["ALL"], add };
    const found = identity({ capabilities }, { pod: {}, volumes: [{ name: "host", hostPath: { path } }] });
    expect(found.capabilities).toEqual(has);
  });

  it("does not run as root what must not", () => {
    expect(() => identity({ runAsNonRoot: true, runAsUser: 0 })).toThrow(/runAsNonRoot/);
  });
});

describe("how a container is launched", () => {
  const line = (env: Record<string, string>) =>
    launchLine({
      base: { mounts: [], etc: [] },
      hostname: "h",
      mounts: [],
      identity: identity(undefined),
      fullIdMap: true,
      workdir: "/",
      env,
      command: ["run"],
    });

  it("keeps variables that act on the linker from programs that still have rights", () => {
    const dangerous = line({ A: "1", LD_PRELOAD: "/tmp/x.so" });
    expect(dangerous.options).not.toContain("LD_PRELOAD");
    expect(dangerous.command.slice(-5)).toEqual(["/usr/bin/env", "-i", "A=1", "LD_PRELOAD=/tmp/x.so", "run"]);
    expect(line({ A: "1" }).options.slice(-3)).toEqual(["--setenv", "A", "1"]);
  });

  it.each([
    "/",
    "/usr",
    "/usr/bin",
    "/usr/lib/x",
    "/lib64/",
    "/usr/share/../bin",
    "/etc/ld.so.preload",
    "/proc/sys",
    "/etc",
  ])("protects %s", (path) => expect(isProtected(path)).toBe(true));
  it.each(["/data", "/etc/istio/pod", "/usr/share/app", "/var/run/secrets", "/tmp", "/libs"])(
    "leaves %s free",
    (path) => expect(isProtected(path)).toBe(false),
  );
});
