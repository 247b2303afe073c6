/** The little of DER (X.690) that certificates and signing requests need. */

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Context-specific tag; constructed unless it holds a plain value. */
export const context = (number: number, constructed = true): number => (constructed ? 0xa0 : 0x80) | number;

/** One element with its header. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content]);
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** An object identifier in dotted form. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return element(tags.objectId, Buffer.from(bytes));
}

/** A positive integer from its bytes. */
export function positiveInteger(bytes: Uint8Array): Buffer {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = start === -1 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start));
  return element(tags.integer, digits[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

export const bitString = (bytes: Uint8Array): Buffer => element(tags.bitString, Buffer.from([0]), bytes);

/** RFC 5280 4.1.2.5: two-digit years up to 2049. Seconds are cut off. */
export function time(date: Date): Buffer {
  const text = `${date.toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`;
  return date.getUTCFullYear() < 2050
    ? element(tags.utcTime, Buffer.from(text.slice(2)))
    : element(tags.generalizedTime, Buffer.from(text));
}

/** An element that was read; `bytes` include its header. */
export interface Element {
  readonly tag: number;
  readonly content: Buffer;
  readonly bytes: Buffer;
}

/** A text that is no DER, or not what was expected of it. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** The elements that stand one after the other in a buffer. Throws DerError for anything cut off or of indefinite length. */
export function readElements(buffer: Buffer): readonly Element[] {
  const elements: Element[] = [];
  let offset = 0;
  while (offset < buffer.length) {
    const tag = buffer[offset]!;
    let header = 2;
    let length = buffer[offset + 1];
    if (length === undefined || (tag & 0x1f) === 0x1f)
      throw new DerError("an element is cut off or has an unknown tag");
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4 || offset + 2 + count > buffer.length)
        throw new DerError("an element has no usable length");
      length = buffer.readUIntBE(offset + 2, count);
      header += count;
    }
    const end = offset + header + length;
    if (end > buffer.length) throw new DerError("an element is longer than what holds it");
    elements.push({ tag, content: buffer.subarray(offset + header, end), bytes: buffer.subarray(offset, end) });
    offset = end;
  }
  return elements;
}

/** The children of an element that must have a certain tag. */
export function readChildren(parent: Element | undefined, tag: number): readonly Element[] {
  if (parent?.tag !== tag) throw new DerError(`expected an element with tag ${tag}, found ${parent?.tag ?? "none"}`);
  return readElements(parent.content);
}

/** Dotted form of an object identifier. */
export function readObjectId({ tag, content }: Element): string {
  if (tag !== tags.objectId || content.length === 0) throw new DerError("expected an object identifier");
  const arcs: number[] = [Math.min(2, Math.floor(content[0]! / 40))];
  arcs.push(content[0]! - arcs[0]! * 40);
  let arc = 0;
  for (const byte of content.subarray(1)) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    arcs.push(arc);
    arc = 0;
  }
  return arcs.join(".");
}
