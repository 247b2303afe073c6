/**
 * How long a policy takes until it is enforced, and what a certificate costs.
 *
 *   node test/bench/security/run.ts [--changes 200] [--certificates 2000]
 *
 * Needs a build (`npm run build`). Prints a Markdown table.
 */
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { KubeObject } from "#api/kinds/object.ts";
import { KubeClient } from "#kube/client.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { resources } from "#kube/resource.ts";
import { Authority, createRoot } from "../../../mesh/control-plane/ca/authority.ts";
import { readSigningRequest } from "../../../mesh/control-plane/ca/signing-request.ts";
import { makeRequest } from "../../../mesh/control-plane/ca/testing/make-request.ts";
import { Slipway } from "../../e2e/support/slipway.ts";
import { measureAcks } from "../lab/acks.ts";
import { quantile } from "../quantile.ts";

const { values } = parseArgs({
  options: { changes: { type: "string", default: "200" }, certificates: { type: "string", default: "2000" } },
});

/** Refuses requests of one user in the whole namespace; each change names another. */
const policy = (user: string): KubeObject => {
  const rules = [{ when: [{ key: "request.headers[x-user]", values: [user] }] }];
  return {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "bench", namespace: "shop" },
    spec: { action: "DENY", rules },
  } as KubeObject;
};

interface PolicyTimes {
  readonly ackMs: readonly number[];
  readonly refusedMs: readonly number[];
}

async function measurePolicies(changes: number): Promise<PolicyTimes> {
  const slipway = await Slipway.create();
  try {
    await slipway.must(["up"]);
    const { kubeconfig, shop = "" } = await slipway.status();
    const client = new KubeClient(kubeconfigConnection(kubeconfig));
    try {
      const write = (user: string): Promise<KubeObject> =>
        client.apply(resources.authorizationPolicies, policy(user), { fieldManager: "bench", force: true });
      const ackMs = await measureAcks(client, { changes, write: (change) => write(`ack-${change}`) });
      const refusedMs: number[] = [];
      for (let change = 0; change < changes; change++) refusedMs.push(await untilRefused(shop, write, change));
      return { ackMs, refusedMs };
    } finally {
      client.close();
    }
  } finally {
    await slipway.dispose();
  }
}

/** From before the write until a customer's request is refused at the storefront, over connections that are kept. */
async function untilRefused(shop: string, write: (user: string) => Promise<unknown>, change: number): Promise<number> {
  const user = `user-${change}`;
  const started = performance.now();
  await write(user);
  while (performance.now() - started < 10_000) {
    const answer = await fetch(`${shop}cart`, { headers: { "x-user": user } });
    await answer.arrayBuffer();
    if (answer.status === 403) {
      const took = performance.now() - started;
      await delay(20);
      return took;
    }
  }
  throw new Error(`the policy for ${user} was not enforced within 10 s`);
}

/** Processor milliseconds of one certificate: the request is read and its signature checked, the certificate signed. */
function certificateCost(count: number): number {
  const authority = new Authority(createRoot("cluster.local"));
  const id = "spiffe://cluster.local/ns/shop/sa/cart";
  const { csr } = makeRequest({ names: [[6, id]] });
  const issue = (): void => {
    const { publicKeyInfo } = readSigningRequest(csr);
    authority.issue({ publicKeyInfo, altNames: [{ kind: "uri", value: id }], lifetimeMs: 86_400_000 });
  };
  for (let warm = 0; warm < 100; warm++) issue();
  const before = process.cpuUsage();
  for (let one = 0; one < count; one++) issue();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

const cost = certificateCost(Number(values.certificates));
const { ackMs, refusedMs } = await measurePolicies(Number(values.changes));
const times = (measured: readonly number[]): string =>
  `p50 ${quantile(measured, 0.5).toFixed(1)} ms, p99 ${quantile(measured, 0.99).toFixed(1)} ms, ${measured.length} changes`;
console.log(`\n${cpus().length} cores, ${cpus()[0]?.model.trim()}, Node.js ${process.version}\n`);
console.log("| what | target | measured |");
console.log("| --- | --- | --- |");
console.log(`| AuthorizationPolicy written to last proxy's ACK seen | 100 ms at p99 | ${times(ackMs)} |`);
console.log(`| the same, until a request is refused | 100 ms at p99 | ${times(refusedMs)} |`);
console.log(
  `| processor time of one certificate | 5 ms | ${cost.toFixed(2)} ms, ${values.certificates} certificates |`,
);
