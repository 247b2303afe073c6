/** Registers: r0 answers, r1 to r5 are arguments, r6 to r9 outlive calls, r10 is the end of the stack. Source: the kernel's Documentation/bpf. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** One instruction, or a place that jumps name. */
export type Step =
  | {
      readonly kind: "instruction";
      readonly code: number;
      readonly dst: number;
      readonly src: number;
      readonly off: number;
      readonly imm: number;
      /** Where it jumps to; replaces `off`. */
      readonly to?: string;
    }
  | { readonly kind: "label"; readonly name: string };

export const helpers = {
  mapLookup: 1,
  mapUpdate: 2,
  socketCookie: 46,
  socketRelease: 86,
  netnsCookie: 122,
  socketAssign: 124,
} as const;

const size = { 4: 0x00, 2: 0x08, 8: 0x18 } as const;
type Size = keyof typeof size;
const PSEUDO_MAP = 1;

const step = (code: number, fields: { dst?: number; src?: number; off?: number; imm?: number; to?: string }): Step => ({
  kind: "instruction",
  code,
  dst: 0,
  src: 0,
  off: 0,
  imm: 0,
  ...fields,
});

export const label = (name: string): Step => ({ kind: "label", name });
export const set = (dst: Register, imm: number): Step => step(0xb7, { dst, imm });
export const copy = (dst: Register, src: Register): Step => step(0xbf, { dst, src });
export const add = (dst: Register, imm: number): Step => step(0x07, { dst, imm });
export const and = (dst: Register, imm: number): Step => step(0x57, { dst, imm });
export const shiftRight = (dst: Register, imm: number): Step => step(0x77, { dst, imm });
/** dst = *(src + off) */
export const load = (bytes: Size, dst: Register, src: Register, off: number): Step =>
  step(0x61 | size[bytes], { dst, src, off });
/** *(dst + off) = src */
export const store = (bytes: Size, dst: Register, off: number, src: Register): Step =>
  step(0x63 | size[bytes], { dst, off, src });
export const jump = (to: string): Step => step(0x05, { to });
export const jumpIfEqual = (dst: Register, imm: number, to: string): Step => step(0x15, { dst, imm, to });
export const jumpUnlessEqual = (dst: Register, imm: number, to: string): Step => step(0x55, { dst, imm, to });
export const jumpIfSame = (dst: Register, src: Register, to: string): Step => step(0x1d, { dst, src, to });
export const jumpUnlessSame = (dst: Register, src: Register, to: string): Step => step(0x5d, { dst, src, to });
export const call = (helper: number): Step => step(0x85, { imm: helper });
export const exit: Step = step(0x95, {});
/** dst = the map behind a file descriptor; takes the room of two instructions. */
export const loadMap = (dst: Register, fd: number): readonly Step[] => [
  step(0x18, { dst, src: PSEUDO_MAP, imm: fd }),
  step(0, {}),
];

/** The program as the kernel takes it. Throws where a jump names no place. */
export function assemble(steps: readonly Step[]): Buffer {
  const places = new Map<string, number>();
  let count = 0;
  for (const one of steps) {
    if (one.kind === "label") places.set(one.name, count);
    else count++;
  }
  const bytes = Buffer.alloc(count * 8);
  let index = 0;
  for (const one of steps) {
    if (one.kind === "label") continue;
    const place = one.to === undefined ? undefined : places.get(one.to);
    if (one.to !== undefined && place === undefined) throw new Error(`a jump leads to "${one.to}", which is nowhere`);
    bytes.writeUInt8(one.code, index * 8);
    bytes.writeUInt8((one.src << 4) | one.dst, index * 8 + 1);
    bytes.writeInt16LE(place === undefined ? one.off : place - index - 1, index * 8 + 2);
    bytes.writeInt32LE(one.imm | 0, index * 8 + 4);
    index++;
  }
  return bytes;
}
