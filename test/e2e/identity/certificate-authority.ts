import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** An authority as an administrator makes one with openssl: a root that stays at home and an intermediate that is plugged in. */
export class PluggedInAuthority {
  readonly #folder = mkdtempSync(join(tmpdir(), "slipway-ca-"));

  constructor(organization: string) {
    const extensions = this.#write(
      "extensions",
      "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    );
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const authority = [
      "-addext",
      "basicConstraints=critical,CA:TRUE",
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
    ];
    const root = [
      "-subj",
      `/O=${organization}/CN=Root`,
      "-keyout",
      this.#file("root.key"),
      "-out",
      this.#file("root.pem"),
    ];
    this.#openssl("req", "-x509", "-days", "30", ...key, ...root, ...authority);
    const own = ["-subj", `/O=${organization}/CN=Mesh`, "-keyout", this.#file("ca.key"), "-out", this.#file("ca.csr")];
    this.#openssl("req", "-new", ...key, ...own);
    const signer = ["-CA", this.#file("root.pem"), "-CAkey", this.#file("root.key"), "-CAcreateserial"];
    const signed = ["-days", "20", "-in", this.#file("ca.csr"), "-extfile", extensions, "-out", this.#file("ca.pem")];
    this.#openssl("x509", "-req", ...signer, ...signed);
  }

  get root(): string {
    return this.#read("root.pem");
  }

  /**
   * The Secret by which it becomes the mesh's.
   * @param otherRoots PEM of roots that are trusted too
   */
  secret({ otherRoots = "" }: { readonly otherRoots?: string } = {}): object {
    const files = {
      "ca-cert.pem": this.#read("ca.pem"),
      "ca-key.pem": this.#read("ca.key"),
      "cert-chain.pem": this.#read("ca.pem") + this.root,
      "root-cert.pem": this.root + otherRoots,
    };
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cacerts", namespace: "istio-system" },
      stringData: files,
    };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  readonly #file = (name: string): string => join(this.#folder, name);
  readonly #read = (name: string): string => readFileSync(this.#file(name), "utf8");

  #write(name: string, text: string): string {
    writeFileSync(this.#file(name), text);
    return this.#file(name);
  }

  #openssl(...args: readonly string[]): void {
    execFileSync("openssl", args, { stdio: "pipe" });
  }
}
