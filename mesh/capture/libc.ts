import koffi from "koffi";

/** The socket calls that Node does not offer. Each returns 0 or more, or -1 on failure. A call costs about a microsecond. */
export interface SocketCalls {
  getsockopt(fd: number, level: number, option: number, value: Uint8Array, length: Uint8Array): number;
  setsockopt(fd: number, level: number, option: number, value: Uint8Array, length: number): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number;
  listen(fd: number, backlog: number): number;
  /** Moves the calling thread into another namespace. */
  setns(fd: number, kind: number): number;
  errno(): number;
}

/** Binds to the C library; some milliseconds, once per process. */
export function openSocketCalls(): SocketCalls {
  const libc = koffi.load(null);
  return {
    getsockopt: libc.func("int getsockopt(int fd, int level, int option, void *value, void *length)"),
    setsockopt: libc.func("int setsockopt(int fd, int level, int option, void *value, uint32_t length)"),
    socket: libc.func("int socket(int domain, int type, int protocol)"),
    bind: libc.func("int bind(int fd, void *address, uint32_t length)"),
    getsockname: libc.func("int getsockname(int fd, void *address, void *length)"),
    listen: libc.func("int listen(int fd, int backlog)"),
    setns: libc.func("int setns(int fd, int kind)"),
    errno: () => koffi.errno(),
  };
}

/** File descriptor of a socket's handle; undefined once it is closed. Node keeps it on an object that it does not document. */
export function descriptorOf(socket: object): number | undefined {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle !== "object" || handle === null) return undefined;
  const fd: unknown = Reflect.get(handle, "fd");
  return typeof fd === "number" && fd >= 0 ? fd : undefined;
}
