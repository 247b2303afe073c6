import { closeSync } from "node:fs";
import koffi from "koffi";

/** Delivers packets of one interface, from the IP header on, both ways. */
export interface PacketSocket {
  /** The next packet that waits, cut off where the buffer ends; undefined when none does. */
  next(): Buffer | undefined;
  /** Packets that the kernel threw away since the last call. */
  dropped(): number;
  close(): void;
}

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
/** Heads of requests and hellos fit. */
const SNAP_BYTES = 4096;

/** Opens a packet socket (packet(7)) on an interface of this network namespace. Throws an Error with the reason. */
export function openPacketSocket(name: string): PacketSocket {
  const libc = koffi.load(null);
  const socket = libc.func("int socket(int domain, int type, int protocol)");
  const bind = libc.func("int bind(int fd, void *address, uint32_t length)");
  const recv = libc.func("int64_t recv(int fd, void *buffer, size_t length, int flags)");
  const setsockopt = libc.func("int setsockopt(int fd, int level, int option, void *value, uint32_t length)");
  const getsockopt = libc.func("int getsockopt(int fd, int level, int option, void *value, void *length)");
  const indexOf = libc.func("uint32_t if_nametoindex(const char *name)");
  const index = indexOf(name) as number;
  if (index === 0) throw new Error(`there is no interface ${name} here`);
  // Without a protocol nothing arrives before it is bound to the one interface.
  const fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
  if (fd < 0) throw new Error(`a packet socket needs the capability NET_RAW (error ${koffi.errno()})`);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(4 * 1024 * 1024);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, size, 4);
  // struct sockaddr_ll: family, protocol in network order, interface; the rest is for sending.
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(ETH_P_ALL, 2);
  address.writeInt32LE(index, 4);
  if (bind(fd, address, address.length) !== 0) {
    const error = koffi.errno();
    closeSync(fd);
    throw new Error(`the packets of ${name} cannot be had (error ${error})`);
  }
  const buffer = Buffer.alloc(SNAP_BYTES);
  return {
    next: () => {
      const length = Number(recv(fd, buffer, buffer.length, MSG_DONTWAIT));
      if (length >= 0) return buffer.subarray(0, length);
      if (koffi.errno() === EAGAIN) return undefined;
      throw new Error(`reading packets failed (error ${koffi.errno()})`);
    },
    dropped: () => {
      // struct tpacket_stats: packets, drops; reading sets them back.
      const stats = Buffer.alloc(8);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(8);
      return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, stats, length) === 0 ? stats.readUInt32LE(4) : 0;
    },
    close: () => closeSync(fd),
  };
}
