import { execFileSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { controlPlaneConnector } from "#mesh/lib/control-plane/connect.ts";
import type { WorkloadCertificate } from "#mesh/lib/identity/request-certificate.ts";
import { readConfig } from "../config.ts";
import { Certificates } from "./certificates.ts";
import { Log } from "./log.ts";
import { serverName, startFakeControlPlane } from "./testing/fake-control-plane.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function begin() {
  const plane = await startFakeControlPlane();
  cleanups.push(() => plane.close());
  const root = mkdtempSync(join(tmpdir(), "slipway-certificates-"));
  cleanups.push(() => rmSync(root, { recursive: true, force: true }));
  const address = `127.0.0.1:${plane.port}`;
  const env = {
    POD_NAME: "cart-v1-abc",
    POD_NAMESPACE: "shop",
    INSTANCE_IP: "127.0.0.1",
    SERVICE_ACCOUNT: "cart",
    CA_ADDR: address,
    DISCOVERY_ADDRESS: address,
    ISTIOD_SAN: serverName,
  };
  return { plane, root, env };
}

test("gets a certificate once the root is there, and another before it ends", async () => {
  const { plane, root, env } = await begin();
  // Nearly the whole lifetime is grace: the next one is due at once.
  const config = readConfig({ args: ["sidecar"], env: { ...env, SECRET_GRACE_PERIOD_RATIO: "0.99999" }, root });
  const lines: string[] = [];
  const got: WorkloadCertificate[] = [];
  const certificates = new Certificates({
    config,
    connect: controlPlaneConnector(config),
    log: new Log("info", (line) => lines.push(line)),
    onCertificate: (certificate) => got.push(certificate),
    random: () => 0.5,
  });
  cleanups.push(() => certificates.close());
  certificates.start();
  await expect.poll(() => lines.join("")).toContain("could not get a workload certificate");
  mkdirSync(dirname(config.files.rootCertificate), { recursive: true });
  writeFileSync(config.files.rootCertificate, plane.rootCertificate);
  await expect.poll(() => got.length, { timeout: 10_000 }).toBeGreaterThan(1);
  const [first, second] = got;
  expect(first?.serial).not.toBe(second?.serial);
  expect(second?.spiffeId).toBe("spiffe://cluster.local/ns/shop/sa/cart");
  const leaf = new X509Certificate(second?.chain ?? "");
  expect(leaf.checkPrivateKey(createPrivateKey(second?.privateKey ?? ""))).toBe(true);
  expect(leaf.verify(new X509Certificate(second?.roots ?? "").publicKey)).toBe(true);
  expect(certificates.current).toBe(got.at(-1));
});

test("trusts another root as soon as it is there, and one that was taken away for a while yet", async () => {
  const { plane, root, env } = await begin();
  const config = readConfig({ args: ["sidecar"], env, root });
  const other = execFileSync("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", "/dev/null", "-subj", "/O=other", "-days", "1"],
  ]).toString();
  mkdirSync(dirname(config.files.rootCertificate), { recursive: true });
  writeFileSync(config.files.rootCertificate, plane.rootCertificate);
  const got: WorkloadCertificate[] = [];
  const certificates = new Certificates({
    config,
    connect: controlPlaneConnector(config),
    log: new Log("warn", () => {}),
    onCertificate: (certificate) => got.push(certificate),
    formerRootsMs: 700,
    lookMs: 20,
  });
  cleanups.push(() => certificates.close());
  certificates.start();
  const trusted = (): number => (got.at(-1)?.roots.match(/BEGIN CERTIFICATE/g) ?? []).length;
  await expect.poll(trusted).toBe(1);
  writeFileSync(config.files.rootCertificate, plane.rootCertificate + other);
  await expect.poll(trusted).toBe(2);
  writeFileSync(config.files.rootCertificate, plane.rootCertificate);
  await expect.poll(() => new Set(got.map(({ serial }) => serial)).size).toBe(3);
  expect(trusted()).toBe(2);
  await expect.poll(trusted).toBe(1);
  expect(got.at(-1)?.serial).toBe(got.at(-2)?.serial);
});
