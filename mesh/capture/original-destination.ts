import type { Socket } from "node:net";
import { descriptorOf, openSocketCalls, type SocketCalls } from "./libc.ts";

/** Where a client wanted to go before a REDIRECT rule led it here. */
export interface OriginalDestination {
  readonly address: string;
  readonly port: number;
}

const SOL_IP = 0;
const SOL_IPV6 = 41;
/** The same number for IPv6 (IP6T_SO_ORIGINAL_DST). */
const SO_ORIGINAL_DST = 80;
/** sizeof(sockaddr_in) and sizeof(sockaddr_in6). */
const IPV4_SIZE = 16;
const IPV6_SIZE = 28;

/**
 * A function that asks the kernel for an accepted connection's original destination; undefined for a connection that no rule led
 * here or that is closed already. The buffers are kept between calls, so a call allocates nothing but its answer.
 */
export function originalDestinations(
  calls: SocketCalls = openSocketCalls(),
): (socket: Socket) => OriginalDestination | undefined {
  const value = new Uint8Array(IPV6_SIZE);
  const length = new Uint32Array(1);
  const lengthBytes = new Uint8Array(length.buffer);
  return (socket) => {
    const fd = descriptorOf(socket);
    if (fd === undefined) return undefined;
    const { localAddress, localPort, localFamily } = socket;
    // A dual-stack listener shows IPv4 clients as mapped addresses; the kernel keeps their destination as IPv4.
    const isIpv6 = localFamily === "IPv6" && !localAddress?.startsWith("::ffff:");
    length[0] = isIpv6 ? IPV6_SIZE : IPV4_SIZE;
    if (calls.getsockopt(fd, isIpv6 ? SOL_IPV6 : SOL_IP, SO_ORIGINAL_DST, value, lengthBytes) !== 0) return undefined;
    const port = (value[2]! << 8) | value[3]!;
    const address = isIpv6 ? ipv6Text(value.subarray(8, 24)) : `${value[4]}.${value[5]}.${value[6]}.${value[7]}`;
    // Connections that were dialled directly are known to the kernel too, with the address they have here.
    const plain = localAddress?.startsWith("::ffff:") ? localAddress.slice(7) : localAddress;
    return port === localPort && address === plain ? undefined : { address, port };
  };
}

/** As RFC 5952 wants it: the longest run of zeros shortened. The URL parser knows the rule. */
function ipv6Text(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((bytes[index * 2]! << 8) | bytes[index * 2 + 1]!).toString(16),
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
