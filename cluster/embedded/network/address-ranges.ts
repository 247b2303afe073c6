import { formatAddress, parseAddress } from "./addresses.ts";

/** Ranges of a range that lie outside of others. Undefined for what is no IPv4 range. */
export function subtractRanges(cidr: string, excepts: readonly string[]): readonly string[] | undefined {
  const whole = blockOf(cidr);
  const holes = excepts.map(blockOf);
  return whole === undefined
    ? undefined
    : cut(
        whole,
        holes.flatMap((hole) => hole ?? []),
      ).map(textOf);
}

interface Block {
  readonly first: number;
  readonly prefix: number;
}

function blockOf(cidr: string): Block | undefined {
  const [address = "", length = "32"] = cidr.split("/");
  const value = parseAddress(address);
  const prefix = Number(length);
  if (value === undefined || !Number.isInteger(prefix) || prefix < 0 || prefix > 32) return undefined;
  return { first: value - (value % sizeOf(prefix)), prefix };
}

const sizeOf = (prefix: number): number => 2 ** (32 - prefix);
const textOf = ({ first, prefix }: Block): string => `${formatAddress(first)}/${prefix}`;
const covers = (outer: Block, inner: Block): boolean =>
  outer.prefix <= inner.prefix && inner.first >= outer.first && inner.first < outer.first + sizeOf(outer.prefix);

/** Halves a block until each piece lies in a hole or touches none. */
function cut(block: Block, holes: readonly Block[]): readonly Block[] {
  if (holes.some((hole) => covers(hole, block))) return [];
  const inside = holes.filter((hole) => covers(block, hole));
  if (inside.length === 0) return [block];
  const prefix = block.prefix + 1;
  return [block.first, block.first + sizeOf(prefix)].flatMap((first) => cut({ first, prefix }, inside));
}
