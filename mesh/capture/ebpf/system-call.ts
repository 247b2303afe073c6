import { closeSync } from "node:fs";
import koffi from "koffi";
import { CaptureError } from "../apply.ts";

/** Commands of bpf(2) and kinds of what they make. Source: linux/bpf.h. */
const command = {
  mapCreate: 0,
  mapLookup: 1,
  mapUpdate: 2,
  mapDelete: 3,
  programLoad: 5,
  mapNextId: 12,
  mapById: 14,
  objectInfo: 15,
  linkCreate: 28,
} as const;
export const mapTypes = { hash: 1, lruHash: 9, sockMap: 15 } as const;
export const programTypes = { sockOps: 13, sockAddress: 18, socketLookup: 30 } as const;
export const attachTypes = {
  sockOps: 3,
  connect4: 10,
  connect6: 11,
  sendmsg4: 14,
  sendmsg6: 15,
  recvmsg4: 19,
  recvmsg6: 20,
  getpeername4: 29,
  getpeername6: 30,
  socketLookup: 36,
} as const;

/** Number of bpf(2). */
const callNumbers: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
const LOG_SIZE = 64 * 1024;
const EPERM = 1;
const ENOENT = 2;
const INFO_SIZE = 88;
/** Where bpf_map_info keeps the name. */
const INFO_NAME = 24;
const NAME_SIZE = 16;

export interface MapShape {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly entries: number;
}

export interface ProgramShape {
  readonly name: string;
  readonly type: number;
  readonly attachType: number;
  readonly instructions: Buffer;
}

/** bpf(2) without a compiler or library: every descriptor it gives is the caller's to close. All throw CaptureError. */
export interface Bpf {
  createMap(shape: MapShape): number;
  /** A map of that name that another process made and holds; undefined if there is none. */
  findMap(shape: MapShape): number | undefined;
  lookup(map: number, key: Buffer, valueSize: number): Buffer | undefined;
  update(map: number, key: Buffer, value: Buffer): void;
  delete(map: number, key: Buffer): void;
  loadProgram(shape: ProgramShape): number;
  /** Takes effect until the descriptor is closed. @param target of a control group's folder, or of a network namespace */
  link(program: number, target: number, attachType: number): number;
}

export function openBpf(): Bpf {
  const number = callNumbers[process.arch];
  if (number === undefined) throw new CaptureError(`eBPF capture is not made for ${process.arch}`);
  const syscall = koffi.load(null).func("long syscall(long number, int command, void *attributes, uint32_t size)");
  const invoke = (what: string, code: number, attributes: Buffer, log?: Buffer): number => {
    const result = Number(syscall(number, code, attributes, attributes.length));
    if (result < 0) throw bpfError(what, koffi.errno(), log);
    return result;
  };
  const element = (map: number, key: Buffer, value: Buffer): Buffer => {
    const attributes = Buffer.alloc(32);
    attributes.writeUInt32LE(map, 0);
    attributes.writeBigUInt64LE(addressOf(key), 8);
    attributes.writeBigUInt64LE(addressOf(value), 16);
    return attributes;
  };
  const nameOf = (map: number): string => {
    const info = Buffer.alloc(INFO_SIZE);
    const attributes = Buffer.alloc(16);
    attributes.writeUInt32LE(map, 0);
    attributes.writeUInt32LE(info.length, 4);
    attributes.writeBigUInt64LE(addressOf(info), 8);
    invoke("look at a map", command.objectInfo, attributes);
    return textOf(info.subarray(INFO_NAME, INFO_NAME + NAME_SIZE));
  };
  return {
    createMap: ({ name, type, keySize, valueSize, entries }) => {
      const attributes = Buffer.alloc(72);
      for (const [index, value] of [type, keySize, valueSize, entries].entries())
        attributes.writeUInt32LE(value, index * 4);
      attributes.write(name.slice(0, NAME_SIZE - 1), 28);
      return invoke(`make the map ${name}`, command.mapCreate, attributes);
    },
    findMap: ({ name }) => {
      const next = Buffer.alloc(16);
      while (Number(syscall(number, command.mapNextId, next, next.length)) === 0) {
        const id = next.readUInt32LE(4);
        next.writeUInt32LE(id, 0);
        const attributes = Buffer.alloc(16);
        attributes.writeUInt32LE(id, 0);
        const map = Number(syscall(number, command.mapById, attributes, attributes.length));
        // It may have gone meanwhile, or be nobody's business.
        if (map < 0) continue;
        if (nameOf(map) === name) return map;
        closeSync(map);
      }
      return undefined;
    },
    lookup: (map, key, valueSize) => {
      const value = Buffer.alloc(valueSize);
      const attributes = element(map, key, value);
      return Number(syscall(number, command.mapLookup, attributes, attributes.length)) === 0 ? value : undefined;
    },
    update: (map, key, value) => void invoke("write into a map", command.mapUpdate, element(map, key, value)),
    delete: (map, key) => {
      const attributes = element(map, key, Buffer.alloc(0));
      if (Number(syscall(number, command.mapDelete, attributes, attributes.length)) < 0 && koffi.errno() !== ENOENT)
        throw bpfError("delete from a map", koffi.errno());
    },
    loadProgram: ({ name, type, attachType, instructions }) => {
      const load = (log: Buffer | undefined): number => {
        const license = Buffer.from("GPL\0");
        const attributes = Buffer.alloc(72);
        attributes.writeUInt32LE(type, 0);
        attributes.writeUInt32LE(instructions.length / 8, 4);
        attributes.writeBigUInt64LE(addressOf(instructions), 8);
        attributes.writeBigUInt64LE(addressOf(license), 16);
        if (log !== undefined) {
          attributes.writeUInt32LE(1, 24);
          attributes.writeUInt32LE(log.length, 28);
          attributes.writeBigUInt64LE(addressOf(log), 32);
        }
        attributes.write(name.slice(0, NAME_SIZE - 1), 48);
        attributes.writeUInt32LE(attachType, 68);
        return invoke(`load the program ${name}`, command.programLoad, attributes, log);
      };
      try {
        return load(undefined);
      } catch {
        // Once more, for what the verifier has to say.
        return load(Buffer.alloc(LOG_SIZE));
      }
    },
    link: (program, target, attachType) => {
      const attributes = Buffer.alloc(48);
      for (const [index, value] of [program, target, attachType].entries()) attributes.writeUInt32LE(value, index * 4);
      return invoke("attach a program", command.linkCreate, attributes);
    },
  };
}

/** Where a buffer's bytes are; the caller keeps the buffer until the call has returned. An empty one is nowhere. */
const addressOf = (bytes: Buffer): bigint => (bytes.length === 0 ? 0n : BigInt(koffi.address(bytes)));

const textOf = (bytes: Buffer): string => bytes.toString("latin1").replace(/\0.*$/s, "");

function bpfError(what: string, errno: number, log?: Buffer): CaptureError {
  const said = log === undefined ? "" : textOf(log).trim().split("\n").slice(-12).join("\n");
  const reason =
    errno === EPERM
      ? "the kernel does not allow it: eBPF capture needs the capabilities BPF, NET_ADMIN and SYS_ADMIN on the machine itself, not in a user namespace of one's own"
      : `errno ${errno}`;
  return new CaptureError(`cannot ${what} (bpf): ${reason}${said === "" ? "" : `; the verifier said:\n${said}`}`);
}
