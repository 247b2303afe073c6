import { Socket } from "node:net";
import { PROXY_MARK } from "#api/names.ts";
import { openSocketCalls, type SocketCalls } from "./libc.ts";

const SOL_SOCKET = 1;
const SO_MARK = 36;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Sets the mark that the capture rules let through. Needs NET_ADMIN in the network namespace; throws with the errno without it. */
export function setMark(fd: number, mark: number, calls: SocketCalls): void {
  const value = new Uint8Array(new Uint32Array([mark]).buffer);
  if (calls.setsockopt(fd, SOL_SOCKET, SO_MARK, value, value.length) !== 0) {
    throw new Error(
      `cannot mark a connection (setsockopt SO_MARK, errno ${calls.errno()}): the proxy needs the capability NET_ADMIN where user ids cannot tell its traffic apart`,
    );
  }
}

/**
 * A function that makes sockets whose connections carry the proxy's mark. Call `connect` before anything reads from them. Node makes a socket only while it
 * connects, too late for a mark, so this makes it and hands it over.
 */
export function markedSockets(
  mark: number = PROXY_MARK,
  calls: SocketCalls = openSocketCalls(),
): (family?: 4 | 6) => Socket {
  return (family = 4) => {
    const kind = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    const fd = calls.socket(family === 6 ? AF_INET6 : AF_INET, kind, 0);
    if (fd < 0) throw new Error(`cannot make a socket (errno ${calls.errno()})`);
    // From here on the socket owns the descriptor and closes it. It must not be read from before it is connected: the kernel would say
    // that the connection has ended, and with a name to look up first there is time for that.
    const options = { fd, readable: true, writable: true, manualStart: true };
    const socket = new Socket(options);
    try {
      setMark(fd, mark, calls);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return socket;
  };
}
