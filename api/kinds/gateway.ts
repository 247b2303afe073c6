import type { IGateway } from "@kubernetes-models/istio/networking.istio.io/v1/Gateway";
import { checkUnique, type Field, type Parsed, parseWith } from "./check.ts";
import type { KubeObject } from "./object.ts";
import { checkLabels, checkPort, isAddress, isLabel, isWildcardHost } from "./rules.ts";

/** Reads a networking.istio.io Gateway and judges it by Istio's rules. Source: Gateway in Istio's API reference. */
export const parseGateway = (object: KubeObject): Parsed<IGateway> => parseWith(object, check);

const protocols = [
  "HTTP",
  "HTTPS",
  "HTTP2",
  "GRPC",
  "GRPC-WEB",
  "MONGO",
  "TCP",
  "TLS",
  "MYSQL",
  "REDIS",
  "HBONE",
  "UDP",
];

function check(spec: Field): void {
  checkLabels(spec.at("selector"));
  const servers = spec.at("servers").items();
  if (servers.length === 0) spec.at("servers").error("needs at least one server");
  for (const server of servers) checkServer(server);
  checkUnique(
    servers.map((server) => server.at("port").at("name")),
    "port name",
  );
  checkUnique(
    servers.map((server) => server.at("name")),
    "server name",
  );
}

function checkServer(server: Field): void {
  const port = server.at("port");
  if (!port.require()) return;
  checkPort(port.at("number"));
  port.at("name").require();
  if (port.at("protocol").require()) {
    const protocol = String(port.at("protocol").value).toUpperCase();
    if (!protocols.includes(protocol))
      port.at("protocol").error(`"${port.at("protocol").value}" is none of ${protocols.join(", ")}`);
    checkServerTls(server, protocol);
  }
  const bind = server.at("bind").text();
  if (bind !== undefined && bind !== "" && !isAddress(bind) && !bind.startsWith("unix://"))
    server.at("bind").error(`"${bind}" is neither an address nor unix:///path`);
  const hosts = server.at("hosts");
  if (hosts.items().length === 0) hosts.error("needs at least one host; * is every host");
  for (const host of hosts.items()) checkServerHost(host);
}

/** `host` or `namespace/host`, with "." for the own and "*" for all namespaces. */
function checkServerHost(field: Field): void {
  const text = field.text();
  if (text === undefined) return;
  const [first = "", second, ...rest] = text.split("/");
  const host = second ?? first;
  const namespace = second === undefined ? "*" : first;
  const isNamespace = namespace === "*" || namespace === "." || isLabel(namespace);
  if (rest.length > 0 || !isNamespace || !isWildcardHost(host))
    field.error(`"${text}" is not a host, or namespace/host`);
}

function checkServerTls(server: Field, protocol: string): void {
  const tls = server.at("tls");
  const isSecure = protocol === "HTTPS" || protocol === "TLS";
  if (!tls.present) {
    if (isSecure) tls.error(`is required for protocol ${protocol}`);
    return;
  }
  const certificates = tls.presentOf("credentialName", "credentialNames", "serverCertificate", "tlsCertificates");
  if (tls.at("httpsRedirect").value === true && isSecure)
    tls.at("httpsRedirect").error("is for plain HTTP servers, which send their clients to HTTPS");
  if (protocol === "HTTP" || protocol === "HTTP2" || protocol === "GRPC") {
    if (certificates.length > 0) tls.error(`certificates have no meaning for protocol ${protocol}; use HTTPS`);
    return;
  }
  checkMode(tls, certificates);
  checkVersions(tls);
  checkUnique(tls.at("cipherSuites").items(), "cipher suite");
}

function checkMode(tls: Field, certificates: readonly string[]): void {
  const mode = String(tls.at("mode").value ?? "SIMPLE");
  if (mode === "ISTIO_MUTUAL" || mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") {
    for (const name of certificates) tls.at(name).error(`has no meaning with mode ${mode}`);
    return;
  }
  if (certificates.length === 0) tls.error(`mode ${mode} needs credentialName, or serverCertificate and privateKey`);
  if (tls.has("serverCertificate") && !tls.has("privateKey"))
    tls.at("privateKey").error("is required beside serverCertificate");
  if ((mode === "MUTUAL" || mode === "OPTIONAL_MUTUAL") && tls.has("serverCertificate") && !tls.has("caCertificates")) {
    tls.at("caCertificates").error(`is required with mode ${mode}, to check clients by`);
  }
}

const versions = ["TLS_AUTO", "TLSV1_0", "TLSV1_1", "TLSV1_2", "TLSV1_3"];

function checkVersions(tls: Field): void {
  const low = versions.indexOf(String(tls.at("minProtocolVersion").value ?? "TLS_AUTO"));
  const high = versions.indexOf(String(tls.at("maxProtocolVersion").value ?? "TLS_AUTO"));
  if (low > 0 && high > 0 && low > high) tls.at("maxProtocolVersion").error("is lower than minProtocolVersion");
}
