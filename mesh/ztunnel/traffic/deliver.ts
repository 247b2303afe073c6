import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { abort } from "#mesh/lib/hbone/stream.ts";
import type { ConnectionInfo, Connections } from "../telemetry/connections.ts";
import type { CapturedPod } from "./context.ts";
import { join } from "./join.ts";

const CONNECT_MS = 10_000;

/** Connects from a pod's network, by a name where there is no address. Rejects with what went wrong. */
export function dial(socket: Socket, host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new Error(`no connection to ${host}:${port} within ${CONNECT_MS / 1000} s`)),
      CONNECT_MS,
    );
    const fail = (error: Error): void => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once("error", fail);
    // With the last dot a name is not looked for in the proxy's own domains.
    const target = isIP(host) === 0 ? `${host.replace(/\.$/, "")}.` : host;
    socket.connect({ host: target, port, family: 4 }, () => {
      clearTimeout(timer);
      socket.off("error", fail);
      resolve(socket.setNoDelay(true).setKeepAlive(true, 180_000));
    });
  });
}

/** Connects to a pod's application in the name of the client, whose address it sees. */
export function dialApplication(pod: CapturedPod, port: number, client: string): Promise<Socket> {
  return dial(pod.capture.socketFor(pod, client), pod.address, port);
}

export interface Carried {
  readonly near: Duplex;
  readonly far: Duplex;
  /** Bytes of the answer and of the request so far. */
  readonly bytes: () => { readonly sent: number; readonly received: number };
  readonly refused?: () => string | undefined;
}

/** Carries a connection from its opening to its end, and reports it. */
export async function carry(connections: Connections, info: ConnectionInfo, carried: Carried): Promise<void> {
  const { near, far, bytes, refused } = carried;
  let reason: string | undefined;
  const cut = (why: string): void => {
    reason ??= why;
    abort(near);
    abort(far);
  };
  const connection = connections.track(info, refused === undefined ? { cut } : { cut, refused });
  const parted = await join(near, far);
  const error = reason ?? (parted?.error === undefined ? undefined : parted.error.message);
  connection.end({ ...bytes(), error });
}
