import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A certificate authority for tests, as istiod is one; made with openssl. */
export interface TestAuthority {
  readonly rootPem: string;
  /** A certificate for a SPIFFE URI or a DNS name, and its key, in PEM. */
  issue(name: string): { readonly certificate: string; readonly key: string };
  /** Its list of revoked certificates, in PEM; one that `ended` is not valid any more. */
  revoke(certificates: readonly string[], options?: { readonly ended?: boolean }): string;
  close(): void;
}

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

export function createAuthority(): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), "slipway-ca-"));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => {
    execFileSync("openssl", args, { stdio: "pipe" });
  };
  const root = ["-subj", "/O=cluster.local", "-keyout", file("root.key"), "-out", file("root.pem")];
  openssl("req", "-x509", "-days", "1", ...newKey, ...root, "-addext", "basicConstraints=critical,CA:TRUE");
  let issued = 0;
  return {
    rootPem: readFileSync(file("root.pem"), "utf8"),
    issue: (name) => {
      const kind = name.includes("://") ? "URI" : "DNS";
      issued += 1;
      const [key, request, certificate, extensions] = ["key", "csr", "pem", "ext"].map((end) =>
        file(`${issued}.${end}`),
      );
      if (key === undefined || request === undefined || certificate === undefined || extensions === undefined)
        throw new Error();
      writeFileSync(extensions, `subjectAltName=critical,${kind}:${name}\nextendedKeyUsage=serverAuth,clientAuth\n`);
      openssl("req", "-new", ...newKey, "-subj", "/", "-keyout", key, "-out", request);
      const signer = ["-CA", file("root.pem"), "-CAkey", file("root.key"), "-CAcreateserial"];
      openssl("x509", "-req", "-days", "1", "-in", request, ...signer, "-extfile", extensions, "-out", certificate);
      return { certificate: readFileSync(certificate, "utf8"), key: readFileSync(key, "utf8") };
    },
    revoke: (certificates, { ended = false } = {}) => {
      const [database, config, list] = ["index", "cnf", "crl"].map(file) as [string, string, string];
      writeFileSync(database, "");
      writeFileSync(config, `[ca]\ndefault_ca=d\n[d]\ndatabase=${database}\ndefault_md=sha256\n`);
      const ca = ["ca", "-config", config, "-cert", file("root.pem"), "-keyfile", file("root.key")];
      for (const [index, certificate] of certificates.entries()) {
        writeFileSync(file(`revoked-${index}`), certificate);
        openssl(...ca, "-revoke", file(`revoked-${index}`));
      }
      const period = ended
        ? ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200102000000Z"]
        : ["-crldays", "1"];
      openssl(...ca, "-gencrl", ...period, "-out", list);
      return readFileSync(list, "utf8");
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
