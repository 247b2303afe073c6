import { PROXY_MARK, ports } from "#api/names.ts";
import type { Step } from "./instructions.ts";
import * as asm from "./instructions.ts";

/** Descriptors of the maps that the programs share. */
export interface Maps {
  /** Captured pods: network namespace → address, flags. */
  readonly pods: number;
  /** Where a socket that was led to the proxy wanted to go: socket → address, port. */
  readonly wanted: number;
  /** The same, as the proxy knows the connection: network namespace and the client's port → address, port. */
  readonly flows: number;
  /** For whom the proxy speaks to an application: network namespace and the proxy's port → the client's address, port. */
  readonly clients: number;
}

/** Flag of a pod: its DNS questions are captured too. */
export const CAPTURES_DNS = 1;

const TCP = 6;
const UDP = 17;
const DNS = 53;
const MARK_MASK = 0xfff;
/** 127.0.0.1 as a little-endian machine loads it from a packet. */
const LOOPBACK = 0x0100007f;
/** Offsets in struct bpf_sock_addr, bpf_sock, bpf_sock_ops and bpf_sk_lookup. Source: linux/bpf.h. */
const at = { ip4: 4, ip6: 8, port: 24, protocol: 36, socket: 64 } as const;
const socketAt = { mark: 16 } as const;
const operationAt = { kind: 0, localPort: 68 } as const;
const lookupAt = { family: 8, protocol: 12, remoteIp4: 16, localIp4: 40, localPort: 60 } as const;
const CONNECT_CALLBACK = 3;
const AF_INET = 2;

/** Where the programs keep keys and values on their stack. */
const stack = { namespace: -8, cookie: -16, value: -24, key: -40 } as const;

export type Family = 4 | 6;

const networkOrder = (port: number): number => ((port & 255) << 8) | (port >> 8);
/** IPv4 addresses of IPv6 sockets are the last word. */
const addressAt = (family: Family): number => (family === 4 ? at.ip4 : at.ip6 + 12);

/** r6 = context; ends unless a captured pod's own socket: then r7 = the pod, r8 = address, r9 = port. */
const ofCapturedPod = (maps: Maps, family: Family): readonly Step[] => [
  asm.copy(6, 1),
  ...(family === 4
    ? []
    : [
        asm.load(4, 1, 6, at.ip6),
        asm.jumpUnlessEqual(1, 0, "pass"),
        asm.load(4, 1, 6, at.ip6 + 4),
        asm.jumpUnlessEqual(1, 0, "pass"),
        // Constants are extended by their sign, what is loaded is not: the middle word is compared in two halves.
        asm.load(4, 1, 6, at.ip6 + 8),
        asm.and(1, 0xffff),
        asm.jumpUnlessEqual(1, 0, "pass"),
        asm.load(4, 1, 6, at.ip6 + 8),
        asm.shiftRight(1, 16),
        asm.jumpUnlessEqual(1, 0xffff, "pass"),
      ]),
  // The proxy's own sockets go where they want to.
  asm.load(8, 1, 6, at.socket),
  asm.load(4, 1, 1, socketAt.mark),
  asm.and(1, MARK_MASK),
  asm.jumpIfEqual(1, PROXY_MARK, "pass"),
  asm.copy(1, 6),
  asm.call(asm.helpers.netnsCookie),
  asm.store(8, 10, stack.namespace, 0),
  ...asm.loadMap(1, maps.pods),
  asm.copy(2, 10),
  asm.add(2, stack.namespace),
  asm.call(asm.helpers.mapLookup),
  asm.jumpIfEqual(0, 0, "pass"),
  asm.copy(7, 0),
  asm.load(4, 8, 6, addressAt(family)),
  asm.load(4, 9, 6, at.port),
];

const pass: readonly Step[] = [asm.label("pass"), asm.set(0, 1), asm.exit];

/** Keeps where the socket wanted to go, by its cookie. */
const keepWanted = (maps: Maps): readonly Step[] => [
  asm.copy(1, 6),
  asm.call(asm.helpers.socketCookie),
  asm.store(8, 10, stack.cookie, 0),
  asm.store(4, 10, stack.value, 8),
  asm.store(4, 10, stack.value + 4, 9),
  ...asm.loadMap(1, maps.wanted),
  asm.copy(2, 10),
  asm.add(2, stack.cookie),
  asm.copy(3, 10),
  asm.add(3, stack.value),
  asm.set(4, 0),
  asm.call(asm.helpers.mapUpdate),
];

/** r0 = where the socket wanted to go, or ends. */
const lookUpWanted = (maps: Maps): readonly Step[] => [
  asm.copy(1, 6),
  asm.call(asm.helpers.socketCookie),
  asm.store(8, 10, stack.cookie, 0),
  ...asm.loadMap(1, maps.wanted),
  asm.copy(2, 10),
  asm.add(2, stack.cookie),
  asm.call(asm.helpers.mapLookup),
  asm.jumpIfEqual(0, 0, "pass"),
];

/** The context gets address and port of what r0 points to. */
const present = (family: Family): readonly Step[] => [
  asm.load(4, 1, 0, 0),
  asm.store(4, 6, addressAt(family), 1),
  asm.load(4, 1, 0, 4),
  asm.store(4, 6, at.port, 1),
  asm.jump("pass"),
];

/**
 * Runs when an application connects or sends to an address: TCP goes to the proxy at the pod's own address, DNS to the proxy's, if that
 * is captured. Loopback and the pod's own address stay what they are.
 */
export const outgoing = (maps: Maps, family: Family): readonly Step[] => [
  ...ofCapturedPod(maps, family),
  asm.copy(1, 8),
  asm.and(1, 255),
  asm.jumpIfEqual(1, 127, "pass"),
  asm.load(4, 1, 7, 0),
  asm.jumpIfSame(1, 8, "pass"),
  asm.load(4, 1, 6, at.protocol),
  asm.jumpIfEqual(1, TCP, "tcp"),
  asm.jumpUnlessEqual(1, UDP, "pass"),
  asm.jumpUnlessEqual(9, networkOrder(DNS), "pass"),
  asm.load(4, 1, 7, 4),
  asm.jumpUnlessEqual(1, CAPTURES_DNS, "pass"),
  ...keepWanted(maps),
  asm.set(1, LOOPBACK),
  asm.store(4, 6, addressAt(family), 1),
  asm.jump("dns port"),
  asm.label("tcp"),
  ...keepWanted(maps),
  asm.load(4, 1, 7, 0),
  asm.store(4, 6, addressAt(family), 1),
  asm.jumpUnlessEqual(9, networkOrder(DNS), "proxy port"),
  asm.load(4, 1, 7, 4),
  asm.jumpIfEqual(1, CAPTURES_DNS, "dns port"),
  asm.label("proxy port"),
  asm.set(1, networkOrder(ports.outbound)),
  asm.store(4, 6, at.port, 1),
  asm.jump("pass"),
  asm.label("dns port"),
  asm.set(1, networkOrder(ports.dns)),
  asm.store(4, 6, at.port, 1),
  ...pass,
];

/** Runs when an application receives a datagram: the proxy's answers come from the server that was asked. */
export const received = (maps: Maps, family: Family): readonly Step[] => [
  ...ofCapturedPod(maps, family),
  asm.jumpUnlessEqual(8, LOOPBACK, "pass"),
  asm.jumpUnlessEqual(9, networkOrder(ports.dns), "pass"),
  ...lookUpWanted(maps),
  ...present(family),
  ...pass,
];

/**
 * Runs when an application asks whom it talks to: who called the proxy, it dialled itself; whom the proxy speaks for, called it.
 * accept(2) asks too.
 */
export const peerName = (maps: Maps, family: Family): readonly Step[] => [
  ...ofCapturedPod(maps, family),
  asm.jumpIfEqual(9, networkOrder(ports.outbound), "dialled"),
  asm.jumpIfEqual(9, networkOrder(ports.dns), "dialled"),
  asm.load(4, 1, 7, 0),
  asm.jumpUnlessSame(1, 8, "pass"),
  asm.load(8, 1, 10, stack.namespace),
  asm.store(8, 10, stack.key, 1),
  asm.store(8, 10, stack.key + 8, 9),
  ...asm.loadMap(1, maps.clients),
  asm.copy(2, 10),
  asm.add(2, stack.key),
  asm.call(asm.helpers.mapLookup),
  asm.jumpIfEqual(0, 0, "pass"),
  ...present(family),
  asm.label("dialled"),
  ...lookUpWanted(maps),
  ...present(family),
  ...pass,
];

/** Runs before a connection's first packet is sent, when its port is known: tells the proxy, by that port, where it wanted to go. */
export const connecting = (maps: Maps): readonly Step[] => [
  asm.copy(6, 1),
  asm.load(4, 1, 6, operationAt.kind),
  asm.jumpUnlessEqual(1, CONNECT_CALLBACK, "pass"),
  ...lookUpWanted(maps),
  asm.copy(7, 0),
  asm.copy(1, 6),
  asm.call(asm.helpers.netnsCookie),
  asm.store(8, 10, stack.key, 0),
  asm.load(4, 1, 6, operationAt.localPort),
  asm.store(8, 10, stack.key + 8, 1),
  ...asm.loadMap(1, maps.flows),
  asm.copy(2, 10),
  asm.add(2, stack.key),
  asm.copy(3, 7),
  asm.set(4, 0),
  asm.call(asm.helpers.mapUpdate),
  ...pass,
];

/**
 * Runs in a pod's network when a connection comes for which no socket is there yet: whatever port it wants, the proxy's listener takes
 * it, which sees the port that was meant. Tunnels have their own; what comes over loopback is the pod's own business.
 * @param address of the pod, as loaded from a packet
 * @param listeners map with the proxy's listener in it
 */
export const arriving = (address: number, listeners: number): readonly Step[] => [
  asm.copy(6, 1),
  asm.load(4, 1, 6, lookupAt.family),
  asm.jumpUnlessEqual(1, AF_INET, "pass"),
  asm.load(4, 1, 6, lookupAt.protocol),
  asm.jumpUnlessEqual(1, TCP, "pass"),
  asm.load(4, 1, 6, lookupAt.localPort),
  asm.jumpIfEqual(1, ports.hbone, "pass"),
  asm.load(4, 1, 6, lookupAt.localIp4),
  asm.set(2, address),
  // Constants are extended by their sign, what is loaded is not.
  asm.store(4, 10, stack.value, 2),
  asm.load(4, 2, 10, stack.value),
  asm.jumpUnlessSame(1, 2, "pass"),
  // From the pod to itself; the kernel takes no packet from outside with an address of its own.
  asm.load(4, 1, 6, lookupAt.remoteIp4),
  asm.jumpIfSame(1, 2, "pass"),
  asm.set(1, 0),
  asm.store(4, 10, stack.value, 1),
  ...asm.loadMap(1, listeners),
  asm.copy(2, 10),
  asm.add(2, stack.value),
  asm.call(asm.helpers.mapLookup),
  asm.jumpIfEqual(0, 0, "pass"),
  asm.copy(7, 0),
  asm.copy(1, 6),
  asm.copy(2, 7),
  asm.set(3, 0),
  asm.call(asm.helpers.socketAssign),
  asm.copy(8, 0),
  asm.copy(1, 7),
  asm.call(asm.helpers.socketRelease),
  asm.jumpIfEqual(8, 0, "pass"),
  // Nobody gets past the proxy because it could not be chosen.
  asm.set(0, 0),
  asm.exit,
  ...pass,
];
