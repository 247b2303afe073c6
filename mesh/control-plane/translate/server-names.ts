import { compareSpecificity, hostCovers } from "../model/host.ts";
import type { GatewayServer } from "../model/other-kinds.ts";
import type { BoundServer } from "./bound-server.ts";

/** Names for which a server of a Gateway stands, without the namespaces before them. */
export const hostsOf = ({ hosts }: GatewayServer): readonly string[] =>
  hosts.map((host) => host.slice(host.indexOf("/") + 1).toLowerCase());

/** Whether connections to the server begin with TLS, wherever that ends. */
export const isTls = ({ port }: GatewayServer): boolean => ["https", "tls"].includes(port.protocol.toLowerCase());

/** Whether TLS ends at the gateway. A mode that is left out is PASSTHROUGH. Source: ServerTLSSettings of Istio's Gateway. */
export const terminates = (server: GatewayServer): boolean =>
  isTls(server) && !["PASSTHROUGH", "AUTO_PASSTHROUGH", undefined].includes(server.tls?.mode);

/** Which server of a port gets the connections for a server name: of two that claim one, the first. */
export class ServerNames {
  readonly #owners = new Map<string, BoundServer>();

  constructor(servers: readonly BoundServer[]) {
    for (const bound of servers.filter(({ server }) => isTls(server)))
      for (const name of hostsOf(bound.server)) if (!this.#owners.has(name)) this.#owners.set(name, bound);
  }

  /** Names by which connections come to a server. */
  of(bound: BoundServer): readonly string[] {
    return [...this.#owners].filter(([, owner]) => owner === bound).map(([name]) => name);
  }

  /** Names whose connections go to other servers of the port. */
  ofOthers(bound: BoundServer): readonly string[] {
    return [...this.#owners].filter(([, owner]) => owner !== bound).map(([name]) => name);
  }

  /** Whether a connection that asks for this host comes to this server. */
  belongs(host: string, bound: BoundServer): boolean {
    const [name] = [...this.#owners.keys()].filter((one) => hostCovers(one, host)).toSorted(compareSpecificity);
    return name === undefined || this.#owners.get(name) === bound;
  }
}
