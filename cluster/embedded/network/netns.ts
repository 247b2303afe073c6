import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import koffi from "koffi";

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

const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Loads libc and keeps the namespace of the calling thread to return to. Fails when setns is denied. */
export function openNamespaces(): Namespaces {
  const libc = koffi.load("libc.so.6");
  const setns: (fd: number, kind: number) => number = libc.func("int setns(int fd, int nstype)");
  const socket: (family: number, kind: number, protocol: number) => number = libc.func("int socket(int domain, int type, int protocol)");
  const home = openSync("/proc/thread-self/ns/net", "r");

  const enter = (fd: number, what: string): void => {
    if (setns(fd, CLONE_NEWNET) !== 0) throw new Error(`cannot enter the network namespace ${what}: errno ${koffi.errno()}`);
  };
  const within = <T>(path: string, act: () => T): T => {
    const fd = openSync(path, "r");
    try {
      enter(fd, path);
      try {
        return act();
      } finally {
        enter(home, "of the node");
      }
    } finally {
      closeSync(fd);
    }
  };
  return {
    within,
    socketIn: (path) => {
      const fd = within(path, () => socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (fd < 0) throw new Error(`cannot make a socket in ${path}: errno ${koffi.errno()}`);
      return new Socket({ fd, readable: true, writable: true, allowHalfOpen: true });
    },
  };
}
