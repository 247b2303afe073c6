/** What a port speaks. "auto" is a port whose name and appProtocol say nothing: both sides then look at the first bytes. */
export type Protocol = "http" | "http2" | "grpc" | "https" | "tls" | "tcp" | "udp" | "auto";

const byName: Readonly<Record<string, Protocol>> = {
  http: "http",
  http2: "http2",
  h2c: "http2",
  grpc: "grpc",
  "grpc-web": "grpc",
  https: "https",
  tls: "tls",
  hbone: "tcp",
  tcp: "tcp",
  mongo: "tcp",
  redis: "tcp",
  mysql: "tcp",
  "kubernetes.io/h2c": "http2",
  "kubernetes.io/ws": "http",
  "kubernetes.io/wss": "https",
};

/** Ports where the server speaks first; waiting for the client's first bytes would hang. Source: Istio's protocol selection. */
const serverFirst = new Set([25, 53, 3306, 27017]);

export interface PortDescription {
  readonly name?: string | undefined;
  readonly port: number;
  readonly appProtocol?: string | undefined;
  readonly transport?: string | undefined;
}

/** Protocol of a Service port: appProtocol first, then the name's prefix (`http`, `http-api`), else "auto". Istio's rule. */
export function protocolOf(port: PortDescription): Protocol {
  if (port.transport === "UDP") return "udp";
  if (port.appProtocol !== undefined) {
    const known = byName[port.appProtocol.toLowerCase()];
    if (known !== undefined) return known;
  }
  const name = (port.name ?? "").toLowerCase();
  const prefix = name.startsWith("grpc-web") ? "grpc-web" : (name.split("-")[0] ?? "");
  const known = byName[prefix];
  if (known !== undefined) return known;
  return serverFirst.has(port.port) ? "tcp" : "auto";
}

/** Protocol of a Gateway server, which names it outright (HTTP, HTTPS, TLS, TCP, GRPC, HTTP2, MONGO). */
export const gatewayProtocol = (protocol: string): Protocol => byName[protocol.toLowerCase()] ?? "tcp";

export const isHttp = (protocol: Protocol): boolean =>
  protocol === "http" || protocol === "http2" || protocol === "grpc";

export const isHttp2 = (protocol: Protocol): boolean => protocol === "http2" || protocol === "grpc";
