import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coreV1 } from "../machinery/resources.ts";
import { checkSandbox, type SandboxMode } from "../sandbox/preflight.ts";
import { startTestCluster, TEST_IMAGE, type TestCluster } from "./fixtures/test-cluster.ts";
import type { Pod } from "./kinds.ts";

interface Executed {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const best = await checkSandbox().catch((error: Error) => error);
const impossible = best instanceof Error ? ` (not possible here: ${best.message})` : "";
const modes: readonly SandboxMode[] = best instanceof Error ? [] : [...new Set<SandboxMode>([best, "user-single"])];
if (impossible !== "") console.warn(`the node's tests need namespaces${impossible}`);

const ready = (pod: Pod): boolean =>
  pod.status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
const container = (name: string, more: object = {}) => ({ name, image: TEST_IMAGE, ...more });
const shell = (script: string): { command: string[] } => ({ command: ["sh", "-c", script] });
const state = (pod: Pod, index = 0) => pod.status?.containerStatuses?.[index];

describe.each(modes)("a node in mode %s", (mode) => {
  let cluster: TestCluster;
  const exec = (pod: string, script: string): Promise<Executed> =>
    cluster.call<Executed>({ op: "exec", pod, command: ["sh", "-c", script] });
  const logs = (pod: string, options: object = {}): Promise<string> =>
    cluster.call<string>({ op: "logs", pod, options });

  beforeAll(async () => {
    cluster = await startTestCluster(mode);
  });
  afterAll(() => cluster?.close());

  it("gives pods addresses of their own that reach each other", async () => {
    await Promise.all(
      ["one", "two"].map((name) =>
        cluster.pod(name, {
          containers: [container("web", { readinessProbe: { httpGet: { path: "/", port: 8080 } } })],
        }),
      ),
    );
    const [one, two] = await Promise.all(["one", "two"].map((name) => cluster.until(name, ready)));
    expect(one?.status?.podIP).toMatch(/^10\.244\.0\./);
    expect(one?.status?.podIP).not.toBe(two?.status?.podIP);
    expect(one?.status).toMatchObject({ phase: "Running", hostIP: "172.18.0.2", qosClass: "BestEffort" });
    expect((await exec("one", `curl -s http://${two?.status?.podIP}:8080/`)).stdout).toBe("two");
    expect(
      await cluster.call<string>({ op: "fetch", via: "dial", pod: "one", host: one?.status?.podIP ?? "", port: 8080 }),
    ).toMatch(/one$/);
    expect(await cluster.call<string>({ op: "fetch", via: "forward", pod: "two", port: 8080 })).toMatch(/two$/);
  });

  it("routes cluster IPs, balances, refuses without endpoints, and answers names", async () => {
    const addresses = await Promise.all(
      ["one", "two"].map(async (name) => (await cluster.until(name, ready)).status?.podIP ?? ""),
    );
    const service = (name: string, clusterIP: string) => ({
      op: "create" as const,
      type: coreV1("services"),
      object: {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "test" },
        spec: { clusterIP, type: "LoadBalancer", ports: [{ name: "http", port: 80, nodePort: 30_000 + name.length }] },
      },
    });
    await cluster.call({
      op: "create",
      type: { group: "discovery.k8s.io", version: "v1", resource: "endpointslices" },
      object: {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "web-1", namespace: "test", labels: { "kubernetes.io/service-name": "web" } },
        addressType: "IPv4",
        ports: [{ name: "http", port: 8080 }],
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      } as never,
    });
    await cluster.call(service("web", "10.96.7.1"));
    await cluster.call(service("empty", "10.96.7.2"));
    const seen = await exec(
      "one",
      "for i in $(seq 40); do curl -s --retry 5 --retry-all-errors --retry-delay 1 http://web.test/; echo; done | sort | uniq -c",
    );
    expect(seen.stdout).toMatch(/\d+ one\n\s+\d+ two/);
    expect((await exec("one", "curl -s http://empty.test.svc.cluster.local/")).exitCode).toBe(7);
    expect((await exec("two", "curl -s http://172.18.0.2:30003/")).stdout).toMatch(/one|two/);
    const stored = await cluster.call<{ status: { loadBalancer: { ingress: { ip: string }[] } } }>({
      op: "get",
      type: coreV1("services"),
      namespace: "test",
      name: "web",
    });
    expect((await exec("two", `curl -s http://${stored.status.loadBalancer.ingress[0]?.ip}/`)).stdout).toMatch(
      /one|two/,
    );
    expect((await exec("one", "getent hosts nothing.test")).exitCode).toBe(2);
    expect((await exec("one", "getent hosts web")).stdout).toContain("10.96.7.1");
  });

  it("runs init containers in order, sidecars beside, and ends with the last container", async () => {
    const mounts = { volumeMounts: [{ name: "shared", mountPath: "/shared" }] };
    await cluster.pod("job", {
      restartPolicy: "Never",
      volumes: [{ name: "shared", emptyDir: {} }],
      initContainers: [
        container("first", { ...shell("echo first >> /shared/order"), ...mounts }),
        container("side", {
          ...shell("echo side >> /shared/order; trap 'exit 0' TERM; while true; do sleep 0.1; done"),
          restartPolicy: "Always",
          startupProbe: { exec: { command: ["grep", "side", "/shared/order"] }, periodSeconds: 1 },
          ...mounts,
        }),
        container("second", { ...shell("echo second >> /shared/order"), ...mounts }),
      ],
      containers: [container("main", { ...shell("cat /shared/order; exit 3"), ...mounts })],
    });
    const pod = await cluster.until(
      "job",
      (one) => one.status?.phase === "Failed" && one.status.initContainerStatuses?.[1]?.state?.terminated !== undefined,
    );
    expect(state(pod)?.state?.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
    expect(pod.status?.initContainerStatuses?.map((one) => one.state?.terminated?.reason)).toEqual([
      "Completed",
      "Completed",
      "Completed",
    ]);
    expect(await logs("job")).toBe("first\nside\nsecond\n");
  });

  it("fills volumes and the environment, and follows changes", async () => {
    await cluster.call({
      op: "create",
      type: coreV1("configmaps"),
      object: {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings", namespace: "test" },
        data: { colour: "green" },
      } as never,
    });
    await cluster.call({
      op: "create",
      type: coreV1("secrets"),
      object: {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "keys", namespace: "test" },
        data: { key: "c2VjcmV0" },
      } as never,
    });
    await cluster.pod(
      "config",
      {
        serviceAccountName: "robot",
        volumes: [
          { name: "settings", configMap: { name: "settings" } },
          {
            name: "token",
            projected: {
              sources: [
                { serviceAccountToken: { path: "token", audience: "istio-ca" } },
                { configMap: { name: "kube-root-ca.crt" } },
                { downwardAPI: { items: [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }] } },
              ],
            },
          },
        ],
        containers: [
          container("main", {
            ...shell("sleep 1000"),
            env: [
              { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
              { name: "KEY", valueFrom: { secretKeyRef: { name: "keys", key: "key" } } },
              { name: "BOTH", value: "$(KEY)-$(MISSING)-$$(KEY)" },
            ],
            envFrom: [{ configMapRef: { name: "settings" }, prefix: "SET_" }],
            volumeMounts: [
              { name: "settings", mountPath: "/settings" },
              { name: "settings", mountPath: "/one/colour", subPath: "colour" },
              { name: "token", mountPath: "/var/run/secrets/tokens" },
            ],
          }),
        ],
      },
      { labels: { app: "config" } },
    );
    const pod = await cluster.until("config", ready);
    const seen = await exec(
      "config",
      'echo "$IP $KEY $BOTH $SET_colour"; cat /settings/colour /one/colour; cd /var/run/secrets/tokens; cat token ca.crt labels',
    );
    expect(seen.stdout).toBe(
      `${pod.status?.podIP} secret secret-$(MISSING)-$(KEY) green\ngreengreentoken-for-robot-istio-cathe CAapp="config"`,
    );
    await cluster.call({
      op: "patch",
      type: coreV1("configmaps"),
      namespace: "test",
      name: "settings",
      body: { data: { colour: "blue" } },
    });
    const changed = await exec(
      "config",
      "for i in $(seq 100); do grep -q blue /settings/colour && break; sleep 0.05; done; cat /settings/colour; touch /settings/x",
    );
    expect(changed.stdout).toBe("blue");
    expect(changed.exitCode).not.toBe(0);
  });

  it("restarts what fails, and keeps the previous log", async () => {
    await cluster.pod("crash", {
      containers: [container("main", shell("echo run; echo why > /dev/termination-log; exit 7"))],
    });
    const pod = await cluster.until("crash", (one) => state(one)?.state?.waiting?.reason === "CrashLoopBackOff");
    expect(state(pod)).toMatchObject({
      restartCount: 1,
      ready: false,
      lastState: { terminated: { exitCode: 7, reason: "Error", message: "why\n" } },
    });
    expect(await logs("crash", { previous: true })).toBe("run\n");
    const reasons = async (): Promise<string[]> => {
      const events = await cluster.call<{ reason: string; involvedObject: { name: string } }[]>({
        op: "list",
        type: coreV1("events"),
      });
      return [...new Set(events.filter((one) => one.involvedObject.name === "crash").map((one) => one.reason))].sort();
    };
    await expect.poll(reasons, { timeout: 5000 }).toEqual(["BackOff", "Created", "Pulled", "Started"]);
  });

  it("ends a container whose liveness probe fails, and unreadies one whose readiness fails", async () => {
    await cluster.pod("live", {
      containers: [
        container("main", {
          ...shell("touch /tmp/ok; trap 'exit 0' TERM; while true; do sleep 0.05; done"),
          livenessProbe: {
            exec: { command: ["test", "-e", "/tmp/ok"] },
            periodSeconds: 1,
            failureThreshold: 1,
            initialDelaySeconds: 1,
          },
          readinessProbe: { exec: { command: ["test", "-e", "/tmp/ok"] }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    });
    await cluster.until("live", ready);
    await exec("live", "rm /tmp/ok");
    const pod = await cluster.until("live", (one) => (state(one)?.restartCount ?? 0) > 0 && ready(one));
    expect(state(pod)?.lastState?.terminated?.exitCode).toBe(0);
  });

  it.each([
    ["unknown", { image: "busybox" }, "ErrImagePull"],
    ["nocommand", { image: TEST_IMAGE, command: ["/bin/nothing"] }, "RunContainerError"],
    [
      "noconfig",
      { image: TEST_IMAGE, env: [{ name: "X", valueFrom: { configMapKeyRef: { name: "absent", key: "x" } } }] },
      "CreateContainerConfigError",
    ],
    ["asroot", { image: TEST_IMAGE, securityContext: { runAsNonRoot: true } }, "CreateContainerConfigError"],
    [
      "hiding",
      { image: TEST_IMAGE, volumeMounts: [{ name: "empty", mountPath: "/usr/bin" }] },
      "CreateContainerConfigError",
    ],
  ])("says why a container cannot start: %s", async (name, spec, reason) => {
    await cluster.pod(name, { volumes: [{ name: "empty", emptyDir: {} }], containers: [{ name: "main", ...spec }] });
    const pod = await cluster.until(name, (one) => state(one)?.state?.waiting?.reason === reason);
    expect(state(pod)?.state?.waiting?.message).not.toBe("");
    expect(pod.status?.phase).toBe("Pending");
  });

  it("refuses hostPath with an event", async () => {
    await cluster.pod("hostpath", {
      volumes: [{ name: "host", hostPath: { path: "/" } }],
      containers: [container("main")],
    });
    const reasons = async (): Promise<string[]> =>
      (
        await cluster.call<{ reason: string; message: string; involvedObject: { name: string } }[]>({
          op: "list",
          type: coreV1("events"),
        })
      )
        .filter((event) => event.involvedObject.name === "hostpath")
        .map((event) => event.message);
    await expect.poll(reasons, { timeout: 5000 }).toEqual([expect.stringContaining("hostPath")]);
  });

  it("lets who captures traffic enter other pods' networks, and nothing else that the capability would allow", async () => {
    const look = "nsenter --net=$file ip -o -4 addr show eth0";
    await cluster.pod("watcher", {
      volumes: [{ name: "networks", hostPath: { path: "/var/run/netns" } }],
      containers: [
        container("main", {
          ...shell(`mount -t tmpfs x /tmp 2>/dev/null && echo mounted; unshare -m true 2>/dev/null && echo unshared
            while true; do for file in /var/run/netns/*; do ${look}; done; sleep 0.1; done`),
          securityContext: { runAsUser: 0, capabilities: { drop: ["ALL"], add: ["SYS_ADMIN", "NET_ADMIN"] } },
          volumeMounts: [{ name: "networks", mountPath: "/var/run/netns", mountPropagation: "HostToContainer" }],
        }),
      ],
    });
    await cluster.until("watcher", ready);
    await cluster.pod("late", { containers: [container("main", shell("sleep 1000"))] });
    const late = await cluster.until("late", ready);
    const seen = (): Promise<string> => cluster.call({ op: "logs", pod: "watcher" });
    await expect.poll(seen, { timeout: 5000 }).toContain(`inet ${late.status?.podIP}/32`);
    expect(await seen()).not.toMatch(/mounted|unshared/);
    // Who joins the container has no filter, so no capability either.
    expect((await exec("watcher", "nsenter --net=/proc/self/ns/net true || echo refused")).stdout).toBe("refused\n");
  });

  it("shows containers neither the machine's files nor rights they have not asked for", async () => {
    await cluster.pod("bare", {
      containers: [
        container("main", {
          ...shell("sleep 1000"),
          securityContext: { capabilities: { drop: ["ALL"] }, readOnlyRootFilesystem: true },
        }),
      ],
    });
    await cluster.until("bare", ready);
    const seen = await exec(
      "bare",
      "ls -d /home /sys /work /etc/shadow 2>/dev/null; touch /x 2>/dev/null && echo written; echo x 2>/dev/null > /proc/sys/kernel/hostname && echo set; grep -E 'CapBnd|NoNewPrivs' /proc/self/status; kill -0 1 && echo; ps ax | wc -l",
    );
    expect(seen.stdout).toMatch(/^CapBnd:\s0+\nNoNewPrivs:\s1\n/);
  });

  it("runs commands with input, on a terminal, and gives their status", async () => {
    await cluster.pod("shell", {
      containers: [
        container("main", { ...shell("sleep 1000"), env: [{ name: "HERE", value: "yes" }], workingDir: "/tmp" }),
      ],
    });
    await cluster.until("shell", ready);
    const piped = await cluster.call<Executed>({
      op: "exec",
      pod: "shell",
      command: ["sh", "-c", "cat; echo $HERE $PWD >&2; exit 4"],
      stdin: "input",
    });
    expect(piped).toEqual({ exitCode: 4, stdout: "input", stderr: "yes /tmp\n" });
    const terminal = await cluster.call<Executed>({
      op: "exec",
      pod: "shell",
      command: ["sh", "-c", "test -t 0 && test -t 1 && echo terminal"],
      tty: true,
    });
    expect(terminal.stdout).toBe("terminal\r\n");
    await expect(cluster.call({ op: "exec", pod: "absent", command: ["true"] })).rejects.toThrow(/does not run/);
  });

  it("gives a deleted pod its time, then leaves nothing of it", async () => {
    await cluster.pod("leaver", {
      terminationGracePeriodSeconds: 5,
      volumes: [{ name: "shared", emptyDir: {} }],
      containers: [
        container("main", {
          ...shell("trap 'exit 0' TERM; while true; do sleep 0.05; done"),
          lifecycle: { preStop: { exec: { command: ["sh", "-c", "echo bye > /shared/bye"] } } },
          volumeMounts: [{ name: "shared", mountPath: "/shared" }],
        }),
      ],
    });
    const pod = await cluster.until("leaver", ready);
    await cluster.call({ op: "delete", type: coreV1("pods"), namespace: "test", name: "leaver" });
    await expect
      .poll(() => cluster.call({ op: "get", type: coreV1("pods"), namespace: "test", name: "leaver" }), {
        timeout: 5000,
      })
      .toBeUndefined();
    expect(await cluster.call<string>({ op: "run", command: ["ip", "netns", "list"] })).not.toContain("leaver");
    expect(await cluster.call<string>({ op: "run", command: ["ip", "route"] })).not.toContain(`${pod.status?.podIP} `);
    expect(await cluster.call<string>({ op: "run", command: ["ls", "/run/slipway/pods"] })).not.toContain(
      pod.metadata.uid,
    );
  });
});
