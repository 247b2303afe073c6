import type { KubeObject } from "#api/kinds/object.ts";
import { createAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { istio } from "./mesh-objects.ts";

/** One call: what the client asks for in its hello, what it shows, and what it then sends. */
export interface TlsCall {
  readonly sni: string;
  readonly request: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface TlsCases {
  readonly objects: readonly KubeObject[];
  /** A description with the call. */
  readonly calls: readonly (readonly [string, TlsCall])[];
  close(): void;
}

export const TLS_PORT = 18_443;
const domain = "shop.example";
const get = (host: string, target = "/"): string =>
  `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;

const secret = (name: string, data: Readonly<Record<string, string>>): KubeObject & { data: object } => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace: "istio-system" },
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
});

const server = (name: string, hosts: readonly string[], tls: object): object => ({
  port: { number: TLS_PORT, name: `https-${name}`, protocol: "HTTPS" },
  hosts,
  tls,
});

/** A port with a server of every kind, the secrets that it needs but for those that people forget, and ways to call it. */
export function gatewayTlsCases(): TlsCases {
  const authority = createAuthority();
  const strangers = createAuthority();
  const pair = (name: string) => {
    const { certificate: cert, key } = authority.issue(name);
    return { cert, key };
  };
  const wildcard = pair(`*.${domain}`);
  const partner = pair("partner.test");
  const tls = { "tls.crt": wildcard.cert, "tls.key": wildcard.key };
  const { certificate: cert, key } = strangers.issue("partner.test");
  const stranger = { cert, key };
  const to = (name: string) => `${name}.${domain}`;
  const call = (name: string, rest: Partial<TlsCall> = {}): TlsCall => ({
    sni: to(name),
    request: get(to(name)),
    ...rest,
  });
  const named = { mode: "MUTUAL", credentialName: "generic", subjectAltNames: ["somebody.else"] };
  return {
    close: () => {
      authority.close();
      strangers.close();
    },
    objects: [
      secret("shop", tls),
      secret("generic", { cert: wildcard.cert, key: wildcard.key, cacert: authority.rootPem }),
      secret("companion", tls),
      secret("companion-cacert", { cacert: authority.rootPem }),
      secret("unfit", { "tls.crt": wildcard.cert, "tls.key": partner.key }),
      istio("Gateway", "tls", {
        selector: { istio: "ingressgateway" },
        servers: [
          server("simple", [to("a"), to("b")], { mode: "SIMPLE", credentialName: "shop" }),
          server("wildcard", [`*.${domain}`], { mode: "SIMPLE", credentialName: "shop" }),
          server("mutual", [to("mutual")], { mode: "MUTUAL", credentialName: "generic" }),
          server("companion", [to("companion")], { mode: "MUTUAL", credentialName: "companion" }),
          server("optional", [to("optional")], {
            mode: "OPTIONAL_MUTUAL",
            credentialName: "shop",
            caCertCredentialName: "generic",
          }),
          server("named", [to("named")], named),
          server("mesh", [to("mesh")], { mode: "ISTIO_MUTUAL" }),
          server("missing", [to("missing")], { mode: "SIMPLE", credentialName: "nowhere" }),
          server("unfit", [to("unfit")], { mode: "SIMPLE", credentialName: "unfit" }),
        ],
      }),
      istio("VirtualService", "tls", {
        hosts: [`*.${domain}`, ...["a", "b", "mutual", "companion", "optional", "named", "missing"].map(to)],
        gateways: ["tls"],
        http: [{ route: [{ destination: { host: "storefront" } }] }],
      }),
    ],
    calls: [
      ["a host", call("a")],
      ["another host of the same server", call("a", { request: get(to("b")) })],
      ["a host of the wildcard", call("c")],
      ["another host of the wildcard", call("c", { request: get(to("d")) })],
      ["a wildcard's connection for a host with a server of its own", call("c", { request: get(to("a")) })],
      ["a wildcard's connection for a host that wants certificates", call("c", { request: get(to("mutual")) })],
      ["a host's connection for one that wants certificates", call("a", { request: get(to("mutual")) })],
      ["the same in capitals", call("a", { request: get(to("mutual").toUpperCase()) })],
      ["the same with a port", call("a", { request: get(`${to("mutual")}:443`) })],
      ["the same with a dot at the end", call("a", { request: get(`${to("mutual")}.`) })],
      ["the same in absolute form", call("a", { request: get(to("a"), `https://${to("mutual")}/`) })],
      ["the other way round in absolute form", call("a", { request: get(to("mutual"), `https://${to("a")}/`) })],
      ["a host that nobody has", call("a", { request: get("nobody.test") })],
      ["a name in capitals", call("A")],
      ["a name that nobody has", { sni: "nobody.test", request: get(to("a")) }],
      ["no name", { sni: "", request: get(to("a")) }],
      ["MUTUAL without a certificate", call("mutual")],
      ["MUTUAL with one", call("mutual", partner)],
      ["MUTUAL with a stranger's", call("mutual", stranger)],
      ["MUTUAL with authorities of their own, without", call("companion")],
      ["MUTUAL with authorities of their own, with one", call("companion", partner)],
      ["OPTIONAL_MUTUAL without", call("optional")],
      ["OPTIONAL_MUTUAL with one", call("optional", partner)],
      ["OPTIONAL_MUTUAL with a stranger's", call("optional", stranger)],
      ["a certificate of another name than is asked for", call("named", partner)],
      ["ISTIO_MUTUAL with a certificate from outside the mesh", call("mesh", partner)],
      ["a secret that is not there", call("missing")],
      ["a certificate with another's key", call("unfit")],
    ],
  };
}
