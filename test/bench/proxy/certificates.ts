import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** A root and one workload certificate that both sides use; P-256, as istiod signs them. */
export function makeCertificates(folder: string): { certificate: string; key: string; roots: string } {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { stdio: "pipe" });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    "req",
    "-x509",
    "-days",
    "1",
    ...newKey,
    "-subj",
    "/O=bench",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
  );
  openssl("req", "-new", ...newKey, "-subj", "/O=bench", "-keyout", file("leaf.key"), "-out", file("leaf.csr"));
  writeFileSync(file("leaf.ext"), "subjectAltName=URI:spiffe://cluster.local/ns/shop/sa/cart\n");
  const signer = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-extfile", file("leaf.ext")];
  openssl("x509", "-req", "-days", "1", "-in", file("leaf.csr"), ...signer, "-out", file("leaf.pem"));
  return { certificate: file("leaf.pem"), key: file("leaf.key"), roots: file("ca.pem") };
}
