import { spawn } from "node:child_process";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { CaptureError } from "./apply.ts";
import { openSocketCalls, type SocketCalls } from "./libc.ts";
import { setMark } from "./mark.ts";

const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;
const SO_NETNS_COOKIE = 71;
const SOL_IP = 0;
const IP_TRANSPARENT = 19;
const BACKLOG = 1024;

/** Another network namespace, held open until `close`. IPv4 only, as pods are here. */
export interface NetworkNamespace {
  /** Inode: tells namespaces apart. */
  readonly inode: number;
  /** Of its file, for system calls that take it. */
  readonly descriptor: number;
  /** The kernel's number for it, as eBPF programs see it. Unlike an inode it is never used again. */
  readonly cookie: bigint;
  /** IPv4 addresses of its interfaces, without loopback. */
  addresses(): readonly string[];
  /** IPv4 addresses of the routers that lead out of it. */
  gateways(): readonly string[];
  /** Descriptor of a socket that listens on a port of all addresses; others may listen beside it. Marked like the proxy's. */
  listen(port: number): number;
  /**
   * Descriptor of a UDP socket with the proxy's mark: for 0 one that asks, else one that is asked at the port. That one is bound to
   * loopback, where REDIRECT leads a pod's own packets: what it answers must come from there to find its way back.
   */
  datagrams(port: number): number;
  /** An unconnected socket with the proxy's mark; with `source`, an address of somebody else that it speaks for. */
  socket(source?: string): Socket;
  /** An unconnected socket with the proxy's mark, bound to an address of the network, and the port that the kernel chose. */
  boundSocket(address: string): { readonly socket: Socket; readonly port: number };
  /** Runs a program there to its end and gives what it prints. Rejects with CaptureError. */
  run(command: readonly string[], input?: string): Promise<string>;
  close(): void;
}

/**
 * A function that opens namespaces by their files. The calling thread enters a namespace for as long as a system call takes (4 µs
 * each way) and comes back: a socket stays where it was made, and so does a program. Needs SYS_ADMIN, and NET_ADMIN for marks.
 */
export function networkNamespaces(
  mark: number,
  calls: SocketCalls = openSocketCalls(),
): (path: string) => NetworkNamespace {
  const home = openSync("/proc/thread-self/ns/net", "r");
  const enter = (fd: number): void => {
    if (calls.setns(fd, CLONE_NEWNET) !== 0)
      throw new CaptureError(
        `cannot enter a network namespace (setns, errno ${calls.errno()}): the container needs the capability SYS_ADMIN`,
      );
  };
  return (path) => {
    const namespace = openSync(path, "r");
    const within = <T>(act: () => T): T => {
      enter(namespace);
      try {
        return act();
      } finally {
        enter(home);
      }
    };
    let cookie: bigint | undefined;
    return {
      inode: fstatSync(namespace).ino,
      descriptor: namespace,
      get cookie() {
        cookie ??= within(() => namespaceCookie(calls, mark));
        return cookie;
      },
      addresses: () => within(ipv4Addresses),
      gateways: () => within(() => gatewaysIn(readFileSync("/proc/thread-self/net/route", "utf8"))),
      listen: (port) => within(() => listeningSocket(calls, { port, mark })),
      datagrams: (port) => within(() => datagramSocket(calls, { port, mark })),
      socket: (source) => within(() => connectingSocket(calls, { mark, source })),
      boundSocket: (address) => within(() => boundSocket(calls, { mark, address })),
      run: (command, input = "") => runIn(within, command, input),
      close: () => closeSync(namespace),
    };
  };
}

function ipv4Addresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address),
  );
}

/** Gateways of the kernel's table of routes: the third column, hexadecimal, in the order of a little-endian machine. */
export function gatewaysIn(routes: string): readonly string[] {
  const gateways = routes.split("\n").flatMap((line) => {
    const gateway = line.split("\t")[2] ?? "";
    if (!/^[0-9A-F]{8}$/.test(gateway) || gateway === "00000000") return [];
    return [Buffer.from(gateway, "hex").reverse().join(".")];
  });
  return [...new Set(gateways)];
}

function datagramSocket(calls: SocketCalls, { port, mark }: { port: number; mark: number }): number {
  const fd = newSocket(calls, mark, SOCK_DGRAM);
  if (port !== 0) setOption(calls, { fd, level: SOL_SOCKET, option: SO_REUSEPORT });
  bindTo(calls, fd, { address: port === 0 ? "0.0.0.0" : "127.0.0.1", port });
  return fd;
}

function listeningSocket(calls: SocketCalls, { port, mark }: { port: number; mark: number }): number {
  const fd = newSocket(calls, mark);
  setOption(calls, { fd, level: SOL_SOCKET, option: SO_REUSEADDR });
  // The successor of this process listens before this one ends.
  setOption(calls, { fd, level: SOL_SOCKET, option: SO_REUSEPORT });
  bindTo(calls, fd, { address: "0.0.0.0", port });
  if (calls.listen(fd, BACKLOG) !== 0) throw failure(calls, fd, `listen on ${port}`);
  return fd;
}

function connectingSocket(calls: SocketCalls, { mark, source }: { mark: number; source: string | undefined }): Socket {
  const fd = newSocket(calls, mark);
  if (source !== undefined) {
    setOption(calls, { fd, level: SOL_IP, option: IP_TRANSPARENT });
    bindTo(calls, fd, { address: source, port: 0 });
  }
  return unconnected(fd);
}

function boundSocket(calls: SocketCalls, { mark, address }: { mark: number; address: string }) {
  const fd = newSocket(calls, mark);
  bindTo(calls, fd, { address, port: 0 });
  const name = Buffer.alloc(16);
  const length = new Uint8Array(new Uint32Array([name.length]).buffer);
  if (calls.getsockname(fd, name, length) !== 0) throw failure(calls, fd, "find the port of a socket");
  return { socket: unconnected(fd), port: name.readUInt16BE(2) };
}

function unconnected(fd: number): Socket {
  // It must not be read from before it is connected: the kernel would say that the connection has ended.
  const options = { fd, readable: true, writable: true, manualStart: true, allowHalfOpen: true };
  return new Socket(options);
}

function namespaceCookie(calls: SocketCalls, mark: number): bigint {
  const fd = newSocket(calls, mark);
  const cookie = Buffer.alloc(8);
  const length = new Uint8Array(new Uint32Array([cookie.length]).buffer);
  if (calls.getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, length) !== 0)
    throw failure(calls, fd, "find the number of a network namespace");
  closeSync(fd);
  return cookie.readBigUInt64LE();
}

function newSocket(calls: SocketCalls, mark: number, type = SOCK_STREAM): number {
  const fd = calls.socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new CaptureError(`cannot make a socket (errno ${calls.errno()})`);
  try {
    setMark(fd, mark, calls);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

function setOption(calls: SocketCalls, { fd, level, option }: { fd: number; level: number; option: number }): void {
  const on = new Uint8Array(new Uint32Array([1]).buffer);
  if (calls.setsockopt(fd, level, option, on, on.length) !== 0)
    throw failure(calls, fd, `set option ${level}/${option}`);
}

function bindTo(calls: SocketCalls, fd: number, { address, port }: { address: string; port: number }): void {
  const structure = Buffer.alloc(16);
  structure.writeUInt16LE(AF_INET, 0);
  structure.writeUInt16BE(port, 2);
  for (const [index, octet] of address.split(".").entries()) structure.writeUInt8(Number(octet), 4 + index);
  if (calls.bind(fd, structure, structure.length) !== 0) throw failure(calls, fd, `bind to ${address}:${port}`);
}

function failure(calls: SocketCalls, fd: number, what: string): CaptureError {
  const error = new CaptureError(`cannot ${what} in a pod's network (errno ${calls.errno()})`);
  closeSync(fd);
  return error;
}

function runIn(within: <T>(act: () => T) => T, command: readonly string[], input: string): Promise<string> {
  const [file = "", ...args] = command;
  const what = command.join(" ");
  return new Promise((resolve, reject) => {
    const child = within(() => spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], timeout: 10_000 }));
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (stdout += data));
    child.stderr.on("data", (data: Buffer) => (stderr += data));
    child.once("error", (error) => reject(new CaptureError(`${what} could not be started: ${error.message}`)));
    child.once("close", (code) => {
      if (code === 0) resolve(stdout);
      else reject(new CaptureError(`${what} ended with ${code}: ${stderr.trim() || stdout.trim()}`));
    });
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
