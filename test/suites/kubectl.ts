import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { findKubectl } from "#main/host/terminals/kubectl.ts";
import type { Slipway } from "../e2e/support/slipway.ts";

const deployment = (image: string, replicas: number): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: echo, namespace: default}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: echo}}
  template:
    metadata: {labels: {app: echo}}
    spec:
      containers:
        - name: echo
          image: ${image}
          args: [tools, echo]
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: echo, namespace: default}
spec: {selector: {app: echo}, ports: [{name: http, port: 80, targetPort: http}]}
`;

/** What people do with kubectl all day: the same on every cluster. Takes a Slipway whose cluster is ready. */
export function kubectlSuite(ready: () => Slipway): void {
  let slipway: Slipway;
  beforeAll(() => {
    slipway = ready();
  });

  async function apply(text: string): Promise<string> {
    const file = join(slipway.state, "manifest.yaml");
    await writeFile(file, text);
    return slipway.kubectl("apply", "-f", file);
  }

  test("apply, rollout, get, describe, logs", async () => {
    expect(await apply(deployment("slipway/apps:0.1.0", 2))).toMatch(
      /deployment.apps\/echo created[\s\S]*service\/echo created/,
    );
    expect(await slipway.kubectl("rollout", "status", "deployment/echo", "--timeout=60s")).toContain(
      "successfully rolled out",
    );
    expect(await slipway.kubectl("get", "deployment", "echo")).toMatch(
      /NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\s+echo\s+2\/2/,
    );
    expect(await slipway.kubectl("get", "pods", "-l", "app=echo", "-o", "wide")).toMatch(/Running.*10\.244\./);
    expect(await slipway.kubectl("describe", "deployment", "echo")).toContain("ScalingReplicaSet");
    expect(await slipway.kubectl("logs", "deployment/echo")).toContain("listening on 8080");
  });

  test("exec into a container reaches the service by its name, and gives the exit code back", async () => {
    const answer = await slipway.kubectl(
      "exec",
      "deploy/echo",
      "--",
      "/opt/slipway/apps/bin/tools",
      "client",
      "http://echo.default.svc.cluster.local/hello",
    );
    expect(JSON.parse(answer)).toMatchObject({ method: "GET", path: "/hello" });
    const failed = await slipway.run(["kubectl", "exec", "deploy/echo", "--", "sh", "-c", "exit 7"]);
    expect(failed.code).toBe(7);
  });

  test("scale, wait, edit by patch, delete", async () => {
    await slipway.kubectl("scale", "deployment/echo", "--replicas=1");
    await slipway.kubectl("wait", "--for=jsonpath={.status.readyReplicas}=1", "deployment/echo", "--timeout=60s");
    await slipway.kubectl(
      "patch",
      "deployment",
      "echo",
      "-p",
      '{"spec":{"template":{"metadata":{"annotations":{"a":"b"}}}}}',
    );
    await slipway.kubectl("rollout", "status", "deployment/echo", "--timeout=60s");
    expect(await slipway.kubectl("rollout", "history", "deployment/echo")).toMatch(/REVISION[\s\S]*1[\s\S]*2/);
    await slipway.kubectl("delete", "deployment", "echo", "--wait=true");
    await slipway.kubectl("wait", "--for=delete", "pod", "-l", "app=echo", "--timeout=60s");
    expect(await slipway.kubectl("get", "replicasets", "-l", "app=echo", "-o", "name")).toBe("");
  });

  test.each([
    [
      "an unknown field",
      deployment("slipway/apps:0.1.0", 1).replace("replicas:", "replica:"),
      /unknown field "spec\.replica"|replica/,
    ],
    [
      "a wrong type of a custom resource",
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x, namespace: default}\nspec: {hosts: cart}\n",
      /spec\.hosts/,
    ],
    [
      "what the mesh's own rules refuse",
      "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: x, namespace: default}\nspec: {hosts: [cart], http: [{route: [{destination: {host: cart}, weight: -1}]}]}\n",
      /weight/,
    ],
  ])("%s is refused with the field", async (_, manifest, message) => {
    const file = join(slipway.state, "wrong.yaml");
    await writeFile(file, manifest);
    const { code, stderr } = await slipway.run(["kubectl", "apply", "-f", file]);
    expect(stderr).toMatch(message);
    expect(code).not.toBe(0);
  });

  test("a debugging container sees the rules of capture in the pod's network", async () => {
    const profile = join(slipway.state, "network.json");
    const capabilities = { add: ["NET_ADMIN", "NET_RAW"] };
    await writeFile(profile, JSON.stringify({ securityContext: { runAsUser: 0, capabilities } }));
    const pod = (await slipway.kubectl("get", "pods", "-n", "shop", "-l", "app=cart,version=v1", "-o", "name"))
      .trim()
      .slice(4);
    const options = ["--image=slipway/mesh:0.1.0", "--profile=general", `--custom=${profile}`, "-c", "look"];
    await slipway.kubectl("debug", "-n", "shop", pod, ...options, "--", "sleep", "60");
    const running = "jsonpath={.status.ephemeralContainerStatuses[0].state.running.startedAt}";
    await slipway.kubectl("wait", "-n", "shop", `pod/${pod}`, `--for=${running}`, "--timeout=20s");
    const rules = await slipway.kubectl(
      "exec",
      "-n",
      "shop",
      pod,
      "-c",
      "look",
      "--",
      "iptables",
      "-t",
      "nat",
      "-L",
      "-n",
    );
    expect(rules).toMatch(/Chain ISTIO_REDIRECT[\s\S]*redir ports 15001/);
    expect(rules).toMatch(/Chain ISTIO_IN_REDIRECT[\s\S]*redir ports 15006/);
  });

  test("port-forward", async () => {
    await apply(deployment("slipway/apps:0.1.0", 1));
    await slipway.kubectl("rollout", "status", "deployment/echo", "--timeout=60s");
    const { kubeconfig } = await slipway.status();
    const forward = spawn(await findKubectl(), ["port-forward", "deployment/echo", ":8080"], {
      env: { ...process.env, KUBECONFIG: kubeconfig },
    });
    try {
      const port = await new Promise<string>((resolve, reject) => {
        let output = "";
        const look = (data: Buffer): void => {
          output += data;
          const found = /127\.0\.0\.1:(\d+) ->/.exec(output);
          if (found?.[1] !== undefined) resolve(found[1]);
        };
        forward.stdout.on("data", look);
        forward.stderr.on("data", look);
        forward.on("exit", () => reject(new Error(output)));
      });
      const answer = await fetch(`http://127.0.0.1:${port}/through`);
      expect(await answer.json()).toMatchObject({ path: "/through" });
    } finally {
      forward.kill();
    }
  });
}
