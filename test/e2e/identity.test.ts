import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PluggedInAuthority } from "./identity/certificate-authority.ts";
import { Slipway } from "./support/slipway.ts";

/** One secret as Envoy's configuration dump has it. */
interface DumpedSecret {
  readonly name: string;
  readonly secret: { readonly tls_certificate?: { readonly certificate_chain: { readonly inline_bytes: string } } };
}

describe("identity in a mesh with a trust domain of its own", () => {
  let slipway: Slipway;
  const authorities: PluggedInAuthority[] = [];

  const authority = (name: string): PluggedInAuthority => {
    const made = new PluggedInAuthority(name);
    authorities.push(made);
    return made;
  };
  const apply = async (object: object): Promise<void> => {
    const file = join(slipway.state, "object.json");
    await writeFile(file, JSON.stringify(object));
    await slipway.kubectl("apply", "-f", file);
  };
  /** PEM of the certificate that a workload of the shop shows. */
  const certificateOf = async (workload: string): Promise<string> => {
    const dump = await slipway.must(["proxy-config", "secret", `deploy/${workload}`, "-n", "shop", "-o", "json"]);
    const { configs } = JSON.parse(dump) as {
      configs: readonly { readonly dynamic_active_secrets?: readonly DumpedSecret[] }[];
    };
    const own = configs.flatMap((one) => one.dynamic_active_secrets ?? []).find(({ name }) => name === "default");
    const chain = own?.secret.tls_certificate?.certificate_chain.inline_bytes ?? "";
    return /-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/.exec(Buffer.from(chain, "base64").toString())?.[0] ?? "";
  };
  const namesOf = async (workload: string): Promise<string> => {
    const pem = await certificateOf(workload);
    return new Promise((resolve, reject) => {
      const show = ["x509", "-noout", "-issuer", "-ext", "subjectAltName"];
      const child = execFile("openssl", show, (error, stdout) => (error ? reject(error) : resolve(stdout)));
      child.stdin?.end(pem);
    });
  };
  /** Status of a call from one workload's application to another service; "none" where no answer came. */
  const call = async (from: string, to: string): Promise<string> => {
    const script = `fetch("http://${to}/", { signal: AbortSignal.timeout(5000) }).then((r) => console.log(r.status), () => console.log("none"))`;
    const command = ["-n", "shop", "exec", `deploy/${from}`, "-c", from, "--", "node", "-e", script];
    return (await slipway.kubectl(...command)).trim();
  };
  const principals = (...names: readonly string[]) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "callers", namespace: "shop" },
    spec: { selector: { matchLabels: { app: "ledger" } }, rules: [{ from: [{ source: { principals: names } }] }] },
  });
  const log = (): Promise<string> => slipway.kubectl("-n", "istio-system", "logs", "deploy/istiod", "-c", "discovery");

  beforeAll(async () => {
    slipway = await Slipway.create();
    const settings = "mesh:\n  meshConfig: { trustDomain: bank.example, trustDomainAliases: [former.example] }\n";
    await writeFile(join(slipway.state, "settings.yaml"), settings);
    await slipway.must(["up"]);
  });
  afterAll(async () => {
    for (const one of authorities) one.close();
    await slipway.dispose();
  });

  test("certificates name the trust domain, and policies take names of an alias for the same", async () => {
    expect(await namesOf("payments")).toContain("URI:spiffe://bank.example/ns/shop/sa/payments");
    await apply(principals("former.example/ns/shop/sa/payments"));
    await expect.poll(() => call("storefront", "ledger"), { timeout: 10_000 }).toBe("403");
    expect(await call("payments", "ledger")).toBe("200");
    await apply(principals("stranger.example/ns/shop/sa/payments"));
    await expect.poll(() => call("payments", "ledger"), { timeout: 10_000 }).toBe("403");
    await slipway.kubectl("-n", "shop", "delete", "authorizationpolicy", "callers");
    await expect.poll(() => call("payments", "ledger"), { timeout: 10_000 }).toBe("200");
  });

  test("a mesh configuration that cannot be read is told and changes nothing", async () => {
    const patch = JSON.stringify({ data: { mesh: "trustDomian: other.example\n" } });
    await slipway.kubectl("-n", "istio-system", "patch", "configmap", "istio", "--type=merge", "-p", patch);
    await expect.poll(log, { timeout: 10_000 }).toMatch(/cannot be used and stays as it was/);
    expect(await call("payments", "ledger")).toBe("200");
    const mesh =
      "trustDomain: bank.example\ntrustDomainAliases: [former.example]\nmeshMTLS: { minProtocolVersion: TLSV1_3 }\n";
    const good = JSON.stringify({ data: { mesh } });
    await slipway.kubectl("-n", "istio-system", "patch", "configmap", "istio", "--type=merge", "-p", good);
    await expect.poll(() => call("payments", "ledger"), { timeout: 10_000 }).toBe("200");
  });

  test("another authority takes over with both roots trusted in between, and no call fails", async () => {
    const [first, second] = [authority("First"), authority("Second")];
    await apply(first.secret());
    await expect.poll(() => namesOf("payments"), { timeout: 15_000 }).toContain("First");
    await apply(first.secret({ otherRoots: second.root }));
    await apply(second.secret({ otherRoots: first.root }));
    let failed = 0;
    const moved = async (): Promise<string> => {
      if ((await call("payments", "ledger")) !== "200") failed += 1;
      return (await namesOf("payments")) + (await namesOf("ledger"));
    };
    await expect.poll(moved, { timeout: 30_000 }).toMatch(/Second.*Second/s);
    expect(failed).toBe(0);
  });
});
