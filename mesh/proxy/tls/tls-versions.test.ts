import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { type Harness, harness } from "../listener/testing/harness.ts";
import { downstreamTls, listenerOf, tcpFilter } from "../listener/testing/resources.ts";

let authority: TestAuthority;
const planes: Harness[] = [];
beforeAll(() => {
  authority = createAuthority();
});
afterAll(async () => {
  authority.close();
  for (const plane of planes) await plane.close();
});

/** A listener that ends TLS with these parameters. */
async function serve(tlsParams: object): Promise<number> {
  const one = harness();
  planes.push(one);
  const { certificate, key } = authority.issue("spiffe://cluster.local/ns/shop/sa/cart");
  const resource = Secret.fromJSON({
    name: "default",
    tlsCertificate: { certificateChain: { inlineString: certificate }, privateKey: { inlineString: key } },
  });
  one.plane.apply({ type: "secret", changed: [{ name: "default", version: "1", resource }], removed: [] });
  const transportSocket = downstreamTls({
    commonTlsContext: { tlsParams, tlsCertificateSdsSecretConfigs: [{ name: "default" }] },
  });
  const chains = [{ filters: [tcpFilter("nowhere")], transportSocket }];
  one.plane.apply({ type: "listener", changed: [listenerOf({ chains })], removed: [] });
  await one.plane.listening();
  return one.port();
}

/** What `openssl s_client` agrees on with the port: version and cipher; "refused" where there is no handshake. */
const agreed = (port: number, ...args: readonly string[]): Promise<string> =>
  new Promise((resolve) => {
    const child = execFile("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...args], (_, stdout) => {
      const [, version, cipher] = /New, (TLSv[\d.]+), Cipher is (\S+)/.exec(stdout) ?? [];
      resolve(version === undefined ? "refused" : `${version} ${cipher}`);
    });
    child.stdin?.end();
  });

describe("TLS as openssl s_client finds it", () => {
  it("speaks 1.2 and 1.3 where nothing else was said, and nothing older", async () => {
    const port = await serve({});
    expect(await agreed(port, "-tls1_2")).toMatch(/^TLSv1.2 ECDHE-/);
    expect(await agreed(port, "-tls1_3")).toMatch(/^TLSv1.3 TLS_/);
    expect(await agreed(port, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")).toBe("refused");
  });

  it("refuses what is below the minimum and above the maximum", async () => {
    const newest = await serve({ tlsMinimumProtocolVersion: "TLSv1_3" });
    expect(await agreed(newest, "-tls1_2")).toBe("refused");
    expect(await agreed(newest, "-tls1_3")).toMatch(/^TLSv1.3/);
    const former = await serve({ tlsMaximumProtocolVersion: "TLSv1_2" });
    expect(await agreed(former, "-tls1_3")).toBe("refused");
    expect(await agreed(former, "-tls1_2")).toMatch(/^TLSv1.2/);
  });

  it("takes the ciphers that are listed and no others, and all of 1.3's", async () => {
    const only = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const port = await serve({ cipherSuites: [only] });
    expect(await agreed(port, "-tls1_2")).toBe(`TLSv1.2 ${only}`);
    expect(await agreed(port, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")).toBe("refused");
    expect(await agreed(port, "-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")).toMatch(/^TLSv1.3/);
  });

  it("takes the curves that are listed", async () => {
    const port = await serve({ ecdhCurves: ["P-256"] });
    expect(await agreed(port, "-tls1_3", "-curves", "P-256")).toMatch(/^TLSv1.3/);
    expect(await agreed(port, "-tls1_3", "-curves", "X25519")).toBe("refused");
  });
});
