import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

export interface Forger {
  /** A certificate that only its owner vouches for. */
  selfSigned(uri: string): Pair;
  /** One that an authority has signed; `days` below zero for one that has ended. */
  signed(uri: string, by: Pair, days?: number): Pair;
  /** An authority of nobody's. */
  authority(): Pair;
  /** A request to be signed, as PEM, with the key. */
  request(uri: string): { readonly csr: string; readonly key: string };
  close(): void;
}

const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** Makes certificates with openssl, as somebody would who wants to be let in. */
export function forger(): Forger {
  const folder = mkdtempSync(join(tmpdir(), "slipway-forger-"));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  const read = (name: string): string => readFileSync(file(name), "utf8");
  let count = 0;
  const name = (): string => {
    count += 1;
    return String(count);
  };
  const pair = (id: string): Pair => ({ cert: read(`${id}.pem`), key: read(`${id}.key`) });
  const san = (uri: string): readonly string[] => ["-addext", `subjectAltName=critical,URI:${uri}`];
  const request = (uri: string): string => {
    const id = name();
    openssl("req", "-new", ...key, "-subj", "/", ...san(uri), "-keyout", file(`${id}.key`), "-out", file(`${id}.csr`));
    return id;
  };
  const selfSigned = (...more: readonly string[]): Pair => {
    const id = name();
    openssl(
      "req",
      "-x509",
      "-days",
      "1",
      ...key,
      "-subj",
      "/O=cluster.local",
      ...more,
      "-keyout",
      file(`${id}.key`),
      "-out",
      file(`${id}.pem`),
    );
    return pair(id);
  };
  return {
    selfSigned: (uri) => selfSigned(...san(uri)),
    authority: () => selfSigned("-addext", "basicConstraints=critical,CA:TRUE"),
    signed: (uri, by, days = 1) => {
      const id = request(uri);
      writeFileSync(file("by.pem"), by.cert);
      writeFileSync(file("by.key"), by.key);
      writeFileSync(file("ext"), `subjectAltName=critical,URI:${uri}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      const signer = ["-CA", file("by.pem"), "-CAkey", file("by.key"), "-CAcreateserial", "-extfile", file("ext")];
      openssl("x509", "-req", "-in", file(`${id}.csr`), ...signer, "-days", String(days), "-out", file(`${id}.pem`));
      return pair(id);
    },
    request: (uri) => {
      const id = request(uri);
      return { csr: read(`${id}.csr`), key: read(`${id}.key`) };
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
