import koffi from "koffi";

/** The few libc calls that Node has no function for. All are quick and synchronous; they throw with the errno. */
export interface Libc {
  /** Moves the calling thread into the network namespace behind a file descriptor. */
  enterNetwork(fd: number): void;
  /** A non-blocking IPv4 TCP socket in the calling thread's network namespace. */
  tcpSocket(): number;
  /** A pipe whose ends are closed in executed programs: unlike Node's socket pairs it can be opened again by /dev/stdout. */
  pipe(): { readonly read: number; readonly write: number };
  /** A child that has ended and that nobody has waited for yet; it stays so. */
  endedChild(): number | undefined;
  /** Takes an ended child off the process table; false when it is not one of ours or still runs. */
  reap(pid: number): boolean;
}

const CLONE_NEWNET = 0x40000000;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const P_ALL = 0;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x01000000;
/** Offset of si_pid in siginfo_t on 64-bit Linux. */
const SI_PID = 16;

export function openLibc(): Libc {
  const library = koffi.load("libc.so.6");
  const setns: (fd: number, kind: number) => number = library.func("int setns(int fd, int nstype)");
  const socket: (family: number, kind: number, protocol: number) => number = library.func(
    "int socket(int domain, int type, int protocol)",
  );
  const pipe2: (ends: Int32Array, flags: number) => number = library.func("int pipe2(_Out_ int *ends, int flags)");
  const waitid: (kind: number, id: number, info: Uint8Array, options: number) => number = library.func(
    "int waitid(int idtype, unsigned int id, _Out_ uint8_t *info, int options)",
  );
  const waitpid: (pid: number, status: null, options: number) => number = library.func(
    "int waitpid(int pid, void *status, int options)",
  );

  const checked = (result: number, call: string): number => {
    if (result < 0) throw new Error(`${call} failed with errno ${koffi.errno()}`);
    return result;
  };
  return {
    enterNetwork: (fd) => void checked(setns(fd, CLONE_NEWNET), "setns"),
    tcpSocket: () => checked(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | O_CLOEXEC, 0), "socket"),
    pipe: () => {
      const ends = new Int32Array(2);
      checked(pipe2(ends, O_CLOEXEC), "pipe2");
      return { read: ends[0] ?? -1, write: ends[1] ?? -1 };
    },
    endedChild: () => {
      const info = new Uint8Array(128);
      if (waitid(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return undefined;
      const pid = new DataView(info.buffer).getInt32(SI_PID, true);
      return pid === 0 ? undefined : pid;
    },
    reap: (pid) => waitpid(pid, null, WNOHANG) === pid,
  };
}
