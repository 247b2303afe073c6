import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ordinaryUser, Slipway, type SlipwayUser } from "./support/slipway.ts";

const user = await ordinaryUser();
const me = process.getuid?.() === 0 ? "root" : "this user";
const noEbpf = whyNotEbpf();
type Capture = "iptables" | "ebpf";
const ways: readonly (readonly [string, Capture, SlipwayUser | undefined])[] = [
  [me, "iptables", undefined],
  ...(user === undefined ? [] : [["an ordinary user", "iptables", user] as const]),
  [noEbpf === undefined ? me : `${me}: ${noEbpf}`, "ebpf", undefined],
];
const manifest = join(import.meta.dirname, "ambient/bank.yaml");

interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly podIP?: string;
    readonly containerStatuses?: readonly { readonly restartCount: number; readonly ready: boolean }[];
  };
}

const ofNamespace = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: "security.istio.io/v1", kind, metadata: { name, namespace: "bank" }, spec });

/** What the kernel or our rights lack for capture by eBPF, in a line; undefined where it works. */
function whyNotEbpf(): string | undefined {
  const probe = join(import.meta.dirname, "../../mesh/capture/testing/ebpf-probe.ts");
  const { status, stdout, stderr } = spawnSync("unshare", ["--mount", process.execPath, probe], { encoding: "utf8" });
  if (status !== 0) return stderr.trim().split("\n")[0];
  return (JSON.parse(stdout) as { readonly impossible?: string }).impossible?.split("\n")[0];
}

describe.each(ways)("ambient mode as %s, captured by %s", (_, capture, person) => {
  if (capture === "ebpf" && noEbpf !== undefined) return test.skip(noEbpf, () => undefined);
  let slipway: Slipway;

  const pods = async (namespace = "bank"): Promise<readonly Pod[]> =>
    (JSON.parse(await slipway.kubectl("-n", namespace, "get", "pods", "-o", "json")) as { items: readonly Pod[] })
      .items;
  const captured = async (): Promise<number> =>
    (await pods()).filter(({ metadata }) => metadata.annotations?.["ambient.istio.io/redirection"] === "enabled")
      .length;
  /** What the ledger answers a caller, or why it does not. */
  const ask = async (namespace: string, caller: string): Promise<string> => {
    const script = `fetch("http://ledger.bank/", { signal: AbortSignal.timeout(5000) }).then((r) => r.text()).then(console.log, (e) => console.log("refused", e.cause?.code ?? e.name))`;
    return (await slipway.kubectl("-n", namespace, "exec", `deploy/${caller}`, "--", "node", "-e", script)).trim();
  };
  const addressOf = async (namespace: string, app: string): Promise<string | undefined> =>
    (await pods(namespace)).find(({ metadata }) => metadata.name.startsWith(app))?.status.podIP;
  /** The application's container in the shop. */
  const shopContainers = async (): Promise<{ readonly shop: string }> => {
    const path = "jsonpath={.spec.template.spec.containers[*].name}";
    const names = (await slipway.kubectl("-n", "shop", "get", "deploy", "storefront", "-o", path)).trim().split(" ");
    return { shop: names.find((name) => name !== "istio-proxy") ?? "" };
  };
  const log = (): Promise<string> => slipway.kubectl("-n", "istio-system", "logs", "ds/ztunnel", "--tail=400");
  const apply = async (text: string): Promise<string> => {
    const file = join(slipway.state, "policy.json");
    await writeFile(file, text);
    return slipway.kubectl("apply", "-f", file);
  };
  const answers = async (): Promise<number> =>
    Number((await slipway.kubectl("-n", "bank", "logs", "deploy/standing", "-c", "main", "--tail=1")).trim());
  const goesOn = async (): Promise<void> => {
    const before = await answers();
    await expect.poll(answers, { timeout: 5000 }).toBeGreaterThan(before);
  };
  let before: readonly Pod[] = [];

  beforeAll(async () => {
    slipway = await Slipway.create(person);
    if (capture === "ebpf")
      await writeFile(join(slipway.state, "settings.yaml"), "mesh: { ambient: { capture: ebpf } }\n");
    await slipway.must(["up"]);
    await slipway.kubectl("apply", "-f", manifest);
  });
  afterAll(() => slipway.dispose());

  test("plain pods talk, one of them over a connection that is to stand through all that follows", async () => {
    const ready = async () => (await pods()).every(({ status }) => status.containerStatuses?.every((one) => one.ready));
    await expect.poll(ready, { timeout: 30_000 }).toBe(true);
    await expect.poll(answers, { timeout: 10_000 }).toBeGreaterThan(0);
    await expect.poll(() => ask("outside", "stranger"), { timeout: 10_000 }).toMatch(/^10\.244\./);
    before = await pods();
  });

  test("a label enrols a namespace: traffic is HBONE between proven identities", async () => {
    await slipway.kubectl("label", "namespace", "bank", "istio.io/dataplane-mode=ambient");
    await expect.poll(captured, { timeout: 20_000 }).toBe(3);
    const dump = `fetch("http://127.0.0.1:15000/config_dump").then((r) => r.json()).then((d) => console.log(d.config.capture))`;
    const method = await slipway.kubectl("-n", "istio-system", "exec", "ds/ztunnel", "--", "node", "-e", dump);
    expect(method.trim()).toBe(capture);
    // The ledger still sees who calls.
    await expect.poll(() => ask("bank", "payments"), { timeout: 10_000 }).toBe(await addressOf("bank", "payments"));
    const line =
      /connection complete.*src\.identity="spiffe:\/\/cluster\.local\/ns\/bank\/sa\/payments".*dst\.hbone_addr=.*dst\.service="ledger\.bank\.svc\.cluster\.local".*dst\.identity="spiffe:\/\/cluster\.local\/ns\/bank\/sa\/ledger".*direction="inbound"/;
    await expect.poll(log, { timeout: 5000 }).toMatch(line);
    const read = `fetch("http://127.0.0.1:15020/metrics").then((r) => r.text()).then(console.log)`;
    const metrics = await slipway.kubectl("-n", "istio-system", "exec", "ds/ztunnel", "--", "node", "-e", read);
    expect(metrics).toMatch(
      /istio_tcp_connections_opened_total\{reporter="destination",source_workload="payments".*source_principal="spiffe:\/\/cluster\.local\/ns\/bank\/sa\/payments".*destination_workload="ledger".*connection_security_policy="mutual_tls"\} \d/,
    );
    await goesOn();
  });

  test("captured pods, sidecars, gateways and the API server reach each other", async () => {
    const script = (url: string) =>
      `process.env.NODE_TLS_REJECT_UNAUTHORIZED = 0; fetch("${url}", { signal: AbortSignal.timeout(5000) }).then((r) => console.log(r.status), (e) => console.log("refused", e.cause?.code ?? e.name))`;
    const status = async (pod: readonly [namespace: string, name: string, container: string], url: string) => {
      const [namespace, name, container] = pod;
      const command = ["-n", namespace, "exec", `deploy/${name}`, "-c", container, "--", "node", "-e", script(url)];
      return (await slipway.kubectl(...command)).trim();
    };
    expect(await status(["bank", "payments", "main"], "http://cart.shop/")).toBe("200");
    expect(await status(["bank", "payments", "main"], "https://kubernetes.default/version")).toMatch(/^(200|401|403)$/);
    const { shop } = await shopContainers();
    expect(await status(["shop", "storefront", shop], "http://ledger.bank/")).toBe("200");
    await slipway.kubectl("apply", "-f", join(import.meta.dirname, "ambient/gateway.yaml"));
    const gateway = "http://istio-ingressgateway.istio-system/";
    await expect.poll(() => status(["outside", "stranger", "main"], gateway), { timeout: 10_000 }).toBe("200");
  });

  test("nobody gets in by the proxy's own ports", async () => {
    const ledger = await addressOf("bank", "ledger");
    const dial = `const host = "${ledger}"; const tls = require("tls"); const net = require("net");
      const plain = (port) => new Promise((done) => { const s = net.connect(port, host, () => s.write("GET / HTTP/1.0\\r\\n\\r\\n")); let got = ""; s.on("data", (d) => (got += d)).on("error", () => {}).on("close", () => done(port + ":" + got.length)).setTimeout(3000, () => s.destroy()); });
      const hbone = () => new Promise((done) => { const s = tls.connect({ host, port: 15008, ALPNProtocols: ["h2"], rejectUnauthorized: false }); s.on("data", (d) => done("hbone: " + d)).on("error", (e) => done("hbone: " + e.code)).on("close", () => done("hbone: closed")); });
      Promise.all([plain(15001), plain(15006), plain(15008), hbone()]).then((all) => console.log(all.join(" ")));`;
    const seen = await slipway.kubectl("-n", "outside", "exec", "deploy/stranger", "--", "node", "-e", dial);
    expect(seen).toMatch(/^15001:0 15006:0 15008:\d? hbone: (closed|ERR_SSL_\w+|ECONNRESET)/);
    expect(await log()).toContain("refused a tunnel: TLS failed");
  });

  test("STRICT refuses plaintext and names what refused it; probes still pass", async () => {
    expect(await ask("outside", "stranger")).toBe(await addressOf("outside", "stranger"));
    await apply(ofNamespace("PeerAuthentication", "default", { mtls: { mode: "STRICT" } }));
    await expect.poll(() => ask("outside", "stranger"), { timeout: 10_000 }).toContain("refused");
    expect(await ask("bank", "payments")).toMatch(/^10\.244\./);
    expect(await log()).toMatch(
      /direction="inbound".*policy="istio-system\/istio_converted_static_strict".*error="connection closed due to policy rejection: explicitly denied by/,
    );
    await slipway.kubectl("-n", "bank", "delete", "peerauthentication", "default");
    await expect.poll(() => ask("outside", "stranger"), { timeout: 10_000 }).toMatch(/^10\.244\./);
  });

  test("an AuthorizationPolicy denies an identity, and the log names it", async () => {
    const principals = ["cluster.local/ns/bank/sa/payments"];
    await apply(
      ofNamespace("AuthorizationPolicy", "no-payments", {
        action: "DENY",
        rules: [{ from: [{ source: { principals } }] }],
      }),
    );
    await expect.poll(() => ask("bank", "payments"), { timeout: 10_000 }).toContain("refused");
    expect(await log()).toMatch(
      /src\.identity="[^"]*payments".*direction="inbound".*error="[^"]*denied by: bank\/no-payments"/,
    );
    expect(await ask("outside", "stranger")).toMatch(/^10\.244\./);
    await slipway.kubectl("-n", "bank", "delete", "authorizationpolicy", "no-payments");
    await expect.poll(() => ask("bank", "payments"), { timeout: 10_000 }).toMatch(/^10\.244\./);
  });

  test("names: the mesh's own are answered by it, others by the cluster's DNS", async () => {
    const evaluate = async (script: string): Promise<unknown> => {
      const print = `(${script})().then((value) => console.log(JSON.stringify(value)))`;
      return JSON.parse(await slipway.kubectl("-n", "bank", "exec", "deploy/payments", "--", "node", "-e", print));
    };
    const look = (name: string, type = "A") =>
      evaluate(`() => require("dns").promises.resolve("${name}", "${type}").catch((e) => e.code)`);
    await slipway.kubectl("apply", "-f", join(import.meta.dirname, "ambient/names.yaml"));
    const allocated = [expect.stringMatching(/^240\.240\./)];
    await expect.poll(() => look("rates.partner.example"), { timeout: 10_000 }).toEqual(allocated);
    expect(await look("rates.partner.example", "AAAA")).toBe("ENODATA");
    expect(await look("any.archive.example")).toEqual(["192.0.2.7"]);
    expect(await look("ledger.bank.svc.cluster.local")).toEqual([expect.stringMatching(/^10\.96\./)]);
    expect(await look("nothing.bank.svc.cluster.local")).toBe("ENOTFOUND");
    expect(await look("_http._tcp.ledger.bank.svc.cluster.local", "SRV")).toMatchObject([{ port: 80 }]);
    // As applications look names up: through the C library and its search domains.
    expect(await evaluate(`() => require("dns").promises.lookup("rates.partner.example")`)).toMatchObject({
      family: 4,
    });
    expect(await evaluate(`() => fetch("http://rates.partner.example/").then((r) => r.text())`)).toMatch(/^10\.244\./);
    // Over TCP, by hand: a question for the pattern.
    const tcp = `() => new Promise((done) => { const name = Buffer.concat("x.archive.example".split(".").map((l) => Buffer.from([l.length, ...Buffer.from(l)]))); const q = Buffer.concat([Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), name, Buffer.from([0, 0, 1, 0, 1])]); const server = require("dns").getServers()[0]; const s = require("net").connect(53, server, () => s.write(Buffer.concat([Buffer.from([0, q.length]), q]))); s.on("data", (d) => { done([...d.subarray(-4)].join(".")); s.destroy(); }).on("error", (e) => done(e.code)); })`;
    expect(await evaluate(tcp)).toBe("192.0.2.7");
    const metrics = `() => fetch("http://127.0.0.1:15020/metrics").then((r) => r.text())`;
    const read = `(${metrics})().then(console.log)`;
    const seen = await slipway.kubectl("-n", "istio-system", "exec", "ds/ztunnel", "--", "node", "-e", read);
    expect(seen).toMatch(
      /istio_dns_requests_total\{request_query_type="A",request_protocol="udp",source_workload="payments"/,
    );
    expect(seen).toMatch(
      /istio_dns_upstream_requests_total\{request_query_type="SRV".*source_workload="payments".*\} 1/,
    );
    // A stranger may not ask a pod's proxy.
    const address = await addressOf("bank", "payments");
    const strange = `const r = new (require("dns").promises.Resolver)({ timeout: 500, tries: 1 }); r.setServers(["${address}:15053"]); r.resolve4("rates.partner.example").then(console.log, (e) => console.log(e.code))`;
    const told = await slipway.kubectl("-n", "outside", "exec", "deploy/stranger", "--", "node", "-e", strange);
    expect(told.trim()).toMatch(/^(ETIMEOUT|ECONNREFUSED)$/);
    // The pod's own word counts, at once.
    const annotate = (value: string) =>
      slipway.kubectl("-n", "bank", "annotate", "pods", "-l", "app=payments", "--overwrite", value);
    await annotate("ambient.istio.io/dns-capture=false");
    await expect.poll(() => look("rates.partner.example"), { timeout: 10_000 }).not.toEqual(allocated);
    await annotate("ambient.istio.io/dns-capture=true");
    await expect.poll(() => look("rates.partner.example"), { timeout: 10_000 }).toEqual(allocated);
  });

  test("another ztunnel takes over without a failed connection", async () => {
    const script = `const { request } = require("http"); const held = require("net").connect(7000, "ledger.bank"); let failed = "", asked = 0, echoed = 0;
      held.on("data", () => echoed++).on("error", (e) => (failed += "held " + e.code)).on("close", () => (failed += "held closed"));
      const end = Date.now() + 6000;
      const ask = () => new Promise((done) => request({ host: "ledger.bank", agent: false }, (r) => r.resume().on("end", done)).on("error", (e) => { failed += e.code + " "; done(); }).end());
      (async () => { while (Date.now() < end) { held.write("."); await ask(); asked++; await new Promise((done) => setTimeout(done, 10)); } console.log(JSON.stringify({ failed, asked, echoed })); process.exit(); })();`;
    const asking = slipway.kubectl("-n", "bank", "exec", "deploy/payments", "--", "node", "-e", script);
    const before = await slipway.kubectl("-n", "istio-system", "get", "pods", "-l", "app=ztunnel", "-o", "name");
    await slipway.kubectl("-n", "istio-system", "rollout", "restart", "daemonset/ztunnel");
    await slipway.kubectl("-n", "istio-system", "rollout", "status", "daemonset/ztunnel", "--timeout=20s");
    const { failed, asked, echoed } = JSON.parse(await asking) as { failed: string; asked: number; echoed: number };
    expect(failed).toBe("");
    expect(Math.min(asked, echoed)).toBeGreaterThan(50);
    const after = await slipway.kubectl("-n", "istio-system", "get", "pods", "-l", "app=ztunnel", "-o", "name");
    expect(after).not.toBe(before);
  });

  test("without the label all is as before, and no pod or connection has ended meanwhile", async () => {
    await slipway.kubectl("label", "namespace", "bank", "istio.io/dataplane-mode-");
    await expect.poll(captured, { timeout: 20_000 }).toBe(0);
    const lines = (await log()).split("\n").length;
    expect(await ask("bank", "payments")).toMatch(/^10\.244\./);
    expect(
      (await log())
        .split("\n")
        .slice(lines - 1)
        .join("\n"),
    ).not.toContain("ledger.bank");
    await goesOn();
    const after = await pods();
    expect(after.map(({ metadata }) => metadata.uid).toSorted()).toEqual(
      before.map(({ metadata }) => metadata.uid).toSorted(),
    );
    const restarts = after.flatMap(({ status }) =>
      (status.containerStatuses ?? []).map(({ restartCount }) => restartCount),
    );
    expect(restarts).toEqual(restarts.map(() => 0));
  });
});
