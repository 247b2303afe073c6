import { numberFromEnv, sendJson, serve } from "../http.ts";
import { issue, makeAuthority, type Pair } from "../pki/authority.ts";
import { readSecret, writeSecret } from "../pki/secret.ts";

const usage = `usage: issuer <namespace/secret> <name>=<namespace/secret> …
       an authority that lies in the first secret (and is made if there is none); for each name it writes a new certificate of
       organization $ORGANIZATION, its key and the authority's own certificate into a secret (tls.crt, tls.key, ca.crt)`;

const [place, ...wanted] = process.argv.slice(2);
if (place === undefined || !place.includes("/") || wanted.some((one) => !/^[^=]+=[^=/]+\/[^=/]+$/.test(one))) {
  console.log(usage);
  process.exit(place === "--help" ? 0 : 64);
}

let published = false;
serve(numberFromEnv("PORT", 8080), (request, response) => {
  request.resume();
  sendJson(response, published ? 200 : 503, { ready: published });
});

const authority = await authorityAt(place);
const organization = process.env.ORGANIZATION;
for (const one of wanted) {
  const [name = "", target = ""] = one.split("=");
  const { cert, key } = await issue(authority, { name, ...(organization !== undefined && { organization }) });
  await writeSecret(target, { "tls.crt": cert, "tls.key": key, "ca.crt": authority.cert });
}
published = true;

/** Whoever trusts the authority goes on trusting it when this pod is replaced. */
async function authorityAt(secret: string): Promise<Pair> {
  const { "tls.crt": cert, "tls.key": key } = await readSecret(secret);
  if (cert !== undefined && key !== undefined) return { cert, key };
  const made = await makeAuthority("Shop Root CA");
  await writeSecret(secret, { "tls.crt": made.cert, "tls.key": made.key });
  return made;
}
