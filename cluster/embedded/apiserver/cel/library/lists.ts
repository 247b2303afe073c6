import type { Declaration } from "../functions.ts";
import { CelError, type CelValue, compare, Duration, equal, Unsigned } from "../values.ts";
import { checkedInt } from "./standard.ts";

type List = readonly CelValue[];

const includes = (list: List, value: CelValue): boolean => list.some((item) => equal(item, value));

function sum(list: List): CelValue {
  if (list.every((item) => typeof item === "bigint"))
    return checkedInt((list as readonly bigint[]).reduce((all, item) => all + item, 0n));
  if (list.every((item) => item instanceof Duration))
    return new Duration((list as readonly Duration[]).reduce((all, { nanos }) => all + nanos, 0n));
  if (list.every((item) => item instanceof Unsigned))
    return new Unsigned((list as readonly Unsigned[]).reduce((all, { value }) => all + value, 0n));
  return (list as readonly number[]).reduce((all, item) => all + item, 0);
}

function extreme(list: List, sign: 1 | -1): CelValue {
  const [first, ...rest] = list;
  if (first === undefined) throw new CelError(`${sign === 1 ? "max" : "min"} called on empty list`);
  return rest.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best), first);
}

function flatten(list: List, depth = 1n): List {
  if (depth < 0n) throw new CelError("level must be non-negative");
  return list.flatMap((item) =>
    Array.isArray(item) ? (depth > 1n ? flatten(item, depth - 1n) : (item as List)) : [item],
  );
}

function slice(list: List, start: bigint, end: bigint): List {
  if (start < 0n || end < 0n) throw new CelError(`cannot slice(${start}, ${end}), negative indexes not supported`);
  if (start > end)
    throw new CelError(`cannot slice(${start}, ${end}), start index must be less than or equal to end index`);
  if (end > BigInt(list.length)) throw new CelError(`cannot slice(${start}, ${end}), list is length ${list.length}`);
  return list.slice(Number(start), Number(end));
}

const distinct = (list: List): List => list.filter((item, at) => list.findIndex((other) => equal(item, other)) === at);
const at = (index: number): bigint => BigInt(index);
const isSorted = (list: List): boolean => list.every((item, i) => i === 0 || compare(list[i - 1] ?? null, item) <= 0);

const comparable = ["int", "uint", "double", "bool", "string", "bytes", "timestamp", "duration"];
const countable = ["int", "uint", "double", "duration"];

/** Lists and sets beyond the standard. */
export const lists: readonly Declaration[] = [
  ["sets.contains(list<T>, list<T>): bool", (list, part) => part.every((item: CelValue) => includes(list, item))],
  [
    "sets.equivalent(list<T>, list<T>): bool",
    (a, b) => a.every((item: CelValue) => includes(b, item)) && b.every((item: CelValue) => includes(a, item)),
  ],
  ["sets.intersects(list<T>, list<T>): bool", (a, b) => a.some((item: CelValue) => includes(b, item))],
  ...comparable.flatMap((type): Declaration[] => [
    [`list<${type}>.isSorted(): bool`, isSorted],
    [`list<${type}>.min(): ${type}`, (list) => extreme(list, -1)],
    [`list<${type}>.max(): ${type}`, (list) => extreme(list, 1)],
    [`list<${type}>.sort(): list<${type}>`, (list) => list.toSorted(compare)],
  ]),
  ...countable.map((type): Declaration => [`list<${type}>.sum(): ${type}`, sum]),
  ["list<T>.indexOf(T): int", (list, value) => at(list.findIndex((item: CelValue) => equal(item, value)))],
  ["list<T>.lastIndexOf(T): int", (list, value) => at(list.findLastIndex((item: CelValue) => equal(item, value)))],
  ["list<T>.slice(int, int): list<T>", slice],
  ["list<dyn>.flatten(): list<dyn>", flatten],
  ["list<dyn>.flatten(int): list<dyn>", flatten],
  ["list<T>.distinct(): list<T>", distinct],
  ["list<T>.reverse(): list<T>", (list) => list.toReversed()],
  ["lists.range(int): list<int>", (count) => Array.from({ length: Number(count) }, (_, index) => at(index))],
];
