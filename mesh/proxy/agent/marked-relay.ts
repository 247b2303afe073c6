import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";

/**
 * Where user ids cannot tell the proxy's traffic apart, the agent's connections to the control plane must carry the proxy's mark, but
 * the gRPC library makes its own sockets. So it connects to a port on loopback (which is never captured), and this connects on.
 */
export interface MarkedRelay {
  /** Where to connect instead of `address`. */
  via(address: string): Promise<string>;
  close(): void;
}

export function createMarkedRelay(makeSocket: () => Socket): MarkedRelay {
  const ports = new Map<string, Promise<string>>();
  const closers = new Set<() => void>();

  const listen = (address: string): Promise<string> => {
    const colon = address.lastIndexOf(":");
    const target = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const server = createServer((near) => {
      const far = makeSocket();
      far.connect(target);
      near.pipe(far).pipe(near);
      const end = (): void => {
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) socket.on("error", end).on("close", end);
    });
    closers.add(() => server.close());
    return new Promise((resolve, reject) => {
      server.on("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(`127.0.0.1:${(server.address() as AddressInfo).port}`));
    });
  };

  return {
    via: (address) => {
      const known = ports.get(address) ?? listen(address);
      ports.set(address, known);
      return known;
    },
    close: () => {
      for (const close of closers) close();
    },
  };
}
