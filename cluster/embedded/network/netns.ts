import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Libc } from "../sandbox/libc.ts";

/**
 * Runs synchronous code with this thread inside another network namespace: what it opens (sockets, processes) stays there.
 * Node's own listen and connect make their socket in a later tick, hence `socketIn`.
 */
export interface Namespaces {
  /** `path` is a namespace file, e.g. /run/netns/x. The function must not be async: it would resume outside. */
  within<T>(path: string, act: () => T): T;
  /** An unconnected TCP socket that belongs to the namespace. */
  socketIn(path: string): Socket;
}

/** Keeps the namespace of the calling thread, to return to it. */
export function openNamespaces(libc: Libc): Namespaces {
  const home = openSync("/proc/thread-self/ns/net", "r");
  const within = <T>(path: string, act: () => T): T => {
    const fd = openSync(path, "r");
    try {
      libc.enterNetwork(fd);
      try {
        return act();
      } finally {
        libc.enterNetwork(home);
      }
    } finally {
      closeSync(fd);
    }
  };
  return {
    within,
    socketIn: (path) =>
      new Socket({ fd: within(path, libc.tcpSocket), readable: true, writable: true, allowHalfOpen: true }),
  };
}
