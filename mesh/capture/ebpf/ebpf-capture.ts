import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import { CaptureError } from "../apply.ts";
import type { CaptureMethod, CaptureTarget } from "../capture-method.ts";
import { withdrawRules } from "../iptables-capture.ts";
import type { OriginalDestination } from "../original-destination.ts";
import { assemble, type Step } from "./instructions.ts";
import {
  arriving,
  CAPTURES_DNS,
  connecting,
  type Family,
  type Maps,
  outgoing,
  peerName,
  received,
} from "./programs.ts";
import { attachTypes, type Bpf, type MapShape, mapTypes, openBpf, programTypes } from "./system-call.ts";

const MAX_PODS = 4096;
const MAX_CONNECTIONS = 65_536;
const { hash, lruHash, sockMap } = mapTypes;
const shapes = {
  pods: { name: "slipway_pods", type: hash, keySize: 8, valueSize: 8, entries: MAX_PODS },
  wanted: { name: "slipway_wanted", type: lruHash, keySize: 8, valueSize: 8, entries: MAX_CONNECTIONS },
  flows: { name: "slipway_flows", type: lruHash, keySize: 16, valueSize: 8, entries: MAX_CONNECTIONS },
  clients: { name: "slipway_clients", type: lruHash, keySize: 16, valueSize: 8, entries: MAX_CONNECTIONS },
} as const satisfies Record<keyof Maps, MapShape>;
const listenerShape: MapShape = { name: "slipway_listen", type: sockMap, keySize: 4, valueSize: 8, entries: 1 };

/** Programs of a control group, by what they are attached to. */
const groupPrograms = (maps: Maps): readonly (readonly [name: keyof typeof attachTypes, steps: readonly Step[]])[] => {
  const families: readonly Family[] = [4, 6];
  return [
    ...families.map((family) => [`connect${family}`, outgoing(maps, family)] as const),
    ...families.map((family) => [`sendmsg${family}`, outgoing(maps, family)] as const),
    ...families.map((family) => [`recvmsg${family}`, received(maps, family)] as const),
    ...families.map((family) => [`getpeername${family}`, peerName(maps, family)] as const),
    ["sockOps", connecting(maps)],
  ];
};

/**
 * Capture by eBPF: nothing is drawn in a pod's network. Programs at the root of the control groups lead what captured pods connect to,
 * one in each pod's network takes what arrives. They live as long as the process: when it ends, pods are as not captured. Its successor
 * finds the maps by their names and shares them, so that either knows where the other's connections wanted to go.
 * @param groups folder of the control groups (cgroup2) that pods are in
 * Throws CaptureError, which says what the kernel or the privileges lack.
 */
export function ebpfCapture(groups: string, bpf: Bpf = openBpf()): CaptureMethod {
  if (!existsSync(join(groups, "cgroup.controllers")))
    throw new CaptureError(`eBPF capture needs control groups of version 2, and there are none at ${groups}`);
  const map = (shape: MapShape): number => bpf.findMap(shape) ?? bpf.createMap(shape);
  const maps: Maps = {
    pods: map(shapes.pods),
    wanted: map(shapes.wanted),
    flows: map(shapes.flows),
    clients: map(shapes.clients),
  };
  // Descriptors stay open on purpose: the kernel takes programs away with the last of them.
  const root = openSync(groups, "r");
  for (const [name, steps] of groupPrograms(maps)) {
    const type = name === "sockOps" ? programTypes.sockOps : programTypes.sockAddress;
    const attachType = attachTypes[name];
    const program = bpf.loadProgram({ name: `slipway_${name}`, type, attachType, instructions: assemble(steps) });
    bpf.link(program, root, attachType);
    closeSync(program);
  }
  /** What holds the programs in pods' networks, by the networks' cookies. */
  const arrivals = new Map<bigint, readonly number[]>();
  const forget = ({ network }: CaptureTarget): void => {
    bpf.delete(maps.pods, namespaceKey(network.cookie));
    for (const fd of arrivals.get(network.cookie) ?? []) closeSync(fd);
    arrivals.delete(network.cookie);
  };
  return {
    name: "ebpf",
    capture: async (target, { dns, listener }) => {
      if (!arrivals.has(target.network.cookie))
        arrivals.set(target.network.cookie, takeArrivals(bpf, target, listener));
      const value = Buffer.concat([addressBytes(target.address), Buffer.from([dns ? CAPTURES_DNS : 0, 0, 0, 0])]);
      bpf.update(maps.pods, namespaceKey(target.network.cookie), value);
      await withdrawRules(target.network);
    },
    release: async (target) => forget(target),
    clean: async () => undefined,
    forget,
    originalDestination: ({ network, address }, socket) => {
      const { localAddress, localPort, remoteAddress, remotePort } = socket;
      if (localAddress === undefined || localPort === undefined || remotePort === undefined) return undefined;
      // What arrived is told by the socket itself.
      if (remoteAddress !== address) return { address: localAddress, port: localPort };
      const key = connectionKey(network.cookie, remotePort, "host");
      const value = bpf.lookup(maps.flows, key, shapes.flows.valueSize);
      if (value === undefined) return undefined;
      bpf.delete(maps.flows, key);
      return destinationOf(value);
    },
    socketFor: ({ network, address }, client) => {
      const { socket, port } = network.boundSocket(address);
      if (client === address) return socket;
      const key = connectionKey(network.cookie, port, "network");
      bpf.update(maps.clients, key, destinationBytes({ address: client, port }));
      socket.once("close", () => bpf.delete(maps.clients, key));
      return socket;
    },
  };
}

/** Loads and attaches the program of one pod's network; what is given has to be closed. */
function takeArrivals(bpf: Bpf, { network, address }: CaptureTarget, listener: number): readonly number[] {
  const listeners = bpf.createMap(listenerShape);
  const socket = Buffer.alloc(8);
  socket.writeUInt32LE(listener);
  bpf.update(listeners, Buffer.alloc(4), socket);
  const instructions = assemble(arriving(addressBytes(address).readInt32LE(), listeners));
  const attachType = attachTypes.socketLookup;
  const program = bpf.loadProgram({
    name: "slipway_arriving",
    type: programTypes.socketLookup,
    attachType,
    instructions,
  });
  const link = bpf.link(program, network.descriptor, attachType);
  closeSync(program);
  return [link, listeners];
}

function namespaceKey(cookie: bigint): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(cookie);
  return key;
}

/** Programs see a connection's own port in the machine's order and its peer's in the network's. */
function connectionKey(cookie: bigint, port: number, order: "host" | "network"): Buffer {
  const key = Buffer.alloc(16);
  key.writeBigUInt64LE(cookie);
  if (order === "host") key.writeUInt16LE(port, 8);
  else key.writeUInt16BE(port, 8);
  return key;
}

const addressBytes = (address: string): Buffer => Buffer.from(address.split(".").map(Number));

function destinationBytes({ address, port }: OriginalDestination): Buffer {
  const value = Buffer.alloc(8);
  addressBytes(address).copy(value);
  value.writeUInt16BE(port, 4);
  return value;
}

const destinationOf = (value: Buffer): OriginalDestination => ({
  address: value.subarray(0, 4).join("."),
  port: value.readUInt16BE(4),
});
