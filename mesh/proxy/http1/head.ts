import { idOf, known, tokenLower } from "./known-headers.ts";

/** Envoy's default for max_headers_count. */
export const MAX_HEADERS = 100;

/**
 * The head of a message as ranges into the buffer it arrived in: parsed once, edited by marking lines as dropped and by adding
 * lines. One instance lives as long as its connection and is reused for each message, so nothing here is allocated per request.
 */
export class Head {
  buffer: Buffer = Buffer.alloc(0);
  /** Where the first byte after the head stands. */
  end = 0;
  /** 10 or 11. */
  version = 11;
  method = "";
  /** Path and query, as it goes upstream; the authority of an absolute-form target is in `authority`. */
  path = "";
  authority = "";
  /** The last authority that was found well formed. */
  checkedAuthority = "";
  status = 0;
  statusLineStart = 0;
  statusLineEnd = 0;
  count = 0;
  /** Four numbers a header: name start, name end, value start, value end. */
  readonly ranges: Int32Array = new Int32Array(MAX_HEADERS * 4);
  readonly ids: Uint8Array = new Uint8Array(MAX_HEADERS);
  readonly dropped: Uint8Array = new Uint8Array(MAX_HEADERS);
  /** -1 when there is none. */
  contentLength = -1;
  chunked = false;
  /** The peer wants the connection closed after this message. */
  close = false;
  /** The Connection header lists `upgrade`. */
  wantsUpgrade = false;
  expectContinue = false;
  /** Lower-case names that the Connection header lists beyond the usual ones; seldom any. */
  readonly hopByHop: string[] = [];
  #addedNames: string[] = [];
  #addedValues: string[] = [];
  #added = 0;

  reset(buffer: Buffer): void {
    this.buffer = buffer;
    this.count = 0;
    this.statusLineEnd = 0;
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.wantsUpgrade = false;
    this.expectContinue = false;
    if (this.hopByHop.length > 0) this.hopByHop.length = 0;
    this.authority = "";
    this.#added = 0;
  }

  /** Becomes a copy that outlives the other's buffer. */
  copy(other: Head): void {
    this.reset(Buffer.from(other.buffer.subarray(0, other.end)));
    this.end = other.end;
    this.version = other.version;
    this.method = other.method;
    this.path = other.path;
    this.authority = other.authority;
    this.count = other.count;
    this.contentLength = other.contentLength;
    this.chunked = other.chunked;
    this.ranges.set(other.ranges);
    this.ids.set(other.ids);
    this.dropped.set(other.dropped);
    for (let index = 0; index < other.#added; index += 1) {
      this.add(other.#addedNames[index] ?? "", other.#addedValues[index] ?? "");
    }
  }

  /** The value's text, of the first line with that number that is not dropped. */
  known(id: number): string | undefined {
    const index = this.indexOf(id);
    if (index >= 0) return this.valueAt(index);
    return undefined;
  }

  indexOf(id: number): number {
    const { ids, dropped, count } = this;
    for (let index = 0; index < count; index += 1) if (ids[index] === id && dropped[index] === 0) return index;
    return -1;
  }

  valueAt(index: number): string {
    return this.buffer.toString("latin1", this.ranges[index * 4 + 2], this.ranges[index * 4 + 3]);
  }

  nameAt(index: number): string {
    return this.buffer.toString("latin1", this.ranges[index * 4], this.ranges[index * 4 + 1]).toLowerCase();
  }

  /** The values of a lower-case name joined as RFC 9110 5.3 allows, undefined when there is none. */
  get(name: string): string | undefined {
    if (name === ":path") return this.path;
    if (name === ":method") return this.method;
    if (name === ":authority" || name === "host") return this.authority;
    let value: string | undefined;
    for (let index = 0; index < this.count; index += 1) {
      if (this.dropped[index] === 1 || !this.#isNamed(index, name)) continue;
      value = value === undefined ? this.valueAt(index) : `${value},${this.valueAt(index)}`;
    }
    for (let index = 0; index < this.#added; index += 1) {
      if (this.#addedNames[index] !== name) continue;
      const added = this.#addedValues[index] ?? "";
      value = value === undefined ? added : `${value},${added}`;
    }
    return value;
  }

  /** The value of each line of a lower-case name. */
  values(name: string): readonly string[] {
    if (name.startsWith(":") || name === "host") {
      const value = this.get(name);
      return value === undefined ? [] : [value];
    }
    const values: string[] = [];
    for (let index = 0; index < this.count; index += 1)
      if (this.dropped[index] === 0 && this.#isNamed(index, name)) values.push(this.valueAt(index));
    for (let index = 0; index < this.#added; index += 1)
      if (this.#addedNames[index] === name) values.push(this.#addedValues[index] ?? "");
    return values;
  }

  has(name: string): boolean {
    for (let index = 0; index < this.count; index += 1) {
      if (this.dropped[index] === 0 && this.#isNamed(index, name)) return true;
    }
    for (let index = 0; index < this.#added; index += 1) if (this.#addedNames[index] === name) return true;
    return false;
  }

  /** Name in lower case; name and value must be free of CR, LF and NUL, which the compilers of rules see to. */
  add(name: string, value: string): void {
    this.#addedNames[this.#added] = name;
    this.#addedValues[this.#added] = value;
    this.#added += 1;
  }

  set(name: string, value: string): void {
    this.remove(name);
    this.add(name, value);
  }

  remove(name: string): void {
    const id = idOf(name);
    for (let index = 0; index < this.count; index += 1) {
      if (id === known.other ? this.#isNamed(index, name) : this.ids[index] === id) this.dropped[index] = 1;
    }
    this.removeAdded(name);
  }

  removeAdded(name: string): void {
    let kept = 0;
    for (let index = 0; index < this.#added; index += 1) {
      if (this.#addedNames[index] === name) continue;
      this.#addedNames[kept] = this.#addedNames[index] ?? "";
      this.#addedValues[kept] = this.#addedValues[index] ?? "";
      kept += 1;
    }
    this.#added = kept;
  }

  /** Replaces the host that the request is for. */
  setAuthority(value: string): void {
    this.authority = value;
    this.dropId(known.host);
    this.removeAdded("host");
    this.add("host", value);
  }

  dropId(id: number): void {
    for (let index = 0; index < this.count; index += 1) if (this.ids[index] === id) this.dropped[index] = 1;
  }

  /** Lower-case name and value of every line that is kept, then of the added ones. */
  entries(): [name: string, value: string][] {
    const entries: [string, string][] = [];
    for (let index = 0; index < this.count; index += 1) {
      if (this.dropped[index] === 0) entries.push([this.nameAt(index), this.valueAt(index)]);
    }
    for (let index = 0; index < this.#added; index += 1) {
      entries.push([this.#addedNames[index] ?? "", this.#addedValues[index] ?? ""]);
    }
    return entries;
  }

  /** Every line that is kept, as bytes of the original, then the added ones; each ends with CRLF. Latin-1. */
  lines(): string {
    const { buffer, ranges, dropped, count } = this;
    let text = "";
    let index = 0;
    while (index < count) {
      if (dropped[index] === 1) {
        index += 1;
        continue;
      }
      const first = index;
      while (index < count && dropped[index] === 0) index += 1;
      // Neighbouring lines go over as one range; the last one's CRLF follows its value, after optional white space.
      text += index < count ? buffer.toString("latin1", ranges[first * 4], ranges[index * 4]) : this.#lastLines(first);
    }
    for (let added = 0; added < this.#added; added += 1) {
      text += `${this.#addedNames[added]}: ${this.#addedValues[added]}\r\n`;
    }
    return text;
  }

  #lastLines(first: number): string {
    return this.buffer.toString("latin1", this.ranges[first * 4], this.end - 2);
  }

  #isNamed(index: number, name: string): boolean {
    const start = this.ranges[index * 4] ?? 0;
    if ((this.ranges[index * 4 + 1] ?? 0) - start !== name.length) return false;
    for (let at = 0; at < name.length; at += 1) {
      if (tokenLower[this.buffer[start + at] ?? 0] !== name.charCodeAt(at)) return false;
    }
    return true;
  }
}
