import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Slipway } from "./support/slipway.ts";

const manifest = join(import.meta.dirname, "waypoint/till.yaml");
const service = "ledger.till.svc.cluster.local";

const ofNamespace = (group: string, kind: string, spec: object) =>
  JSON.stringify({ apiVersion: group, kind, metadata: { name: "ledger", namespace: "till" }, spec });

const within = { timeout: 60_000, interval: 500 };

/** How many of which answers. */
type Answers = Readonly<Record<string, number>>;

describe("a waypoint", () => {
  let slipway: Slipway;

  const kubectl = (...args: readonly string[]): Promise<string> => slipway.kubectl("-n", "till", ...args);
  const apply = async (text: string): Promise<void> => {
    const file = join(slipway.state, "object.json");
    await writeFile(file, text);
    await slipway.kubectl("apply", "-f", file);
  };
  /** Asks the ledger again and again, one connection kept alive, and counts the answers. */
  const ask = async (caller: string, method: string, times: number): Promise<Answers> => {
    const script = `(async () => {
      const counts = {};
      for (let i = 0; i < ${times}; i++) {
        const answer = await fetch("http://ledger.till/", { method: "${method}", signal: AbortSignal.timeout(10000) })
          .then(async (r) => r.status + " " + (await r.text()), (e) => "refused " + (e.cause?.code ?? e.name));
        counts[answer] = (counts[answer] ?? 0) + 1;
      }
      console.log(JSON.stringify(counts));
    })()`;
    return JSON.parse(await kubectl("exec", `deploy/${caller}`, "--", "node", "-e", script)) as Answers;
  };
  /** The different answers to so many questions that each version is asked. */
  const versions = async (): Promise<readonly string[]> => Object.keys(await ask("payments", "GET", 30)).toSorted();
  const metrics = async (): Promise<string> => {
    const script = `fetch("http://127.0.0.1:15020/stats/prometheus").then((r) => r.text()).then(console.log)`;
    return kubectl("exec", "deploy/waypoint", "--", "node", "-e", script);
  };

  beforeAll(async () => {
    slipway = await Slipway.create();
    await slipway.must(["up"]);
    await slipway.kubectl("apply", "-f", manifest);
    await slipway.must(["waypoint", "apply", "-n", "till", "--enroll-namespace", "--wait"]);
    for (const name of ["ledger-v1", "ledger-v2", "payments", "auditor"])
      await kubectl("rollout", "status", `deploy/${name}`, "--timeout=90s");
  });
  afterAll(() => slipway?.dispose());

  test("stands between callers and services, and tells who called whom", async () => {
    await expect.poll(versions, within).toEqual(["200 v1 GET", "200 v2 GET"]);
    await expect
      .poll(metrics, within)
      .toMatch(
        /istio_requests_total\{reporter="waypoint",source_workload="payments",.*source_principal="spiffe:\/\/cluster.local\/ns\/till\/sa\/payments",.*destination_workload="ledger-v1",.*destination_principal="spiffe:\/\/cluster.local\/ns\/till\/sa\/ledger",.*connection_security_policy="mutual_tls"\}/,
      );
  });

  test("enforces policies of requests for the service, by the caller's own identity", async () => {
    await apply(
      ofNamespace("security.istio.io/v1", "AuthorizationPolicy", {
        targetRefs: [{ group: "", kind: "Service", name: "ledger" }],
        action: "ALLOW",
        rules: [
          {
            from: [{ source: { principals: ["cluster.local/ns/till/sa/payments"] } }],
            to: [{ operation: { methods: ["GET"] } }],
          },
        ],
      }),
    );
    await expect.poll(() => ask("payments", "POST", 1), within).toEqual({ "403 RBAC: access denied": 1 });
    expect(await ask("auditor", "GET", 2)).toEqual({ "403 RBAC: access denied": 2 });
    const allowed = await ask("payments", "GET", 2);
    expect(Object.keys(allowed).every((answer) => answer.startsWith("200 "))).toBe(true);
  });

  test("routes by weight", async () => {
    const subset = (name: string) => ({ name, labels: { version: name } });
    await apply(
      ofNamespace("networking.istio.io/v1", "DestinationRule", {
        host: service,
        subsets: [subset("v1"), subset("v2")],
      }),
    );
    const to = (name: string, weight: number) => ({ destination: { host: service, subset: name }, weight });
    await apply(
      ofNamespace("networking.istio.io/v1", "VirtualService", {
        hosts: [service],
        http: [{ route: [to("v1", 100), to("v2", 0)] }],
      }),
    );
    await expect.poll(() => ask("payments", "GET", 20), within).toEqual({ "200 v1 GET": 20 });
  });

  test("is replaced without a lost request", async () => {
    const asked = ask("payments", "GET", 2000);
    await kubectl("rollout", "restart", "deploy/waypoint");
    await kubectl("rollout", "status", "deploy/waypoint", "--timeout=90s");
    expect(await asked).toEqual({ "200 v1 GET": 2000 });
  });

  test("that is killed comes back, and nobody gets round it meanwhile", async () => {
    const asked = ask("auditor", "GET", 500);
    await kubectl(
      "delete",
      "pods",
      "-l",
      "gateway.networking.k8s.io/gateway-name=waypoint",
      "--grace-period=0",
      "--force",
    );
    expect(Object.keys(await asked).filter((answer) => answer.startsWith("200"))).toEqual([]);
    await expect.poll(() => ask("payments", "GET", 3), within).toEqual({ "200 v1 GET": 3 });
  });
});
