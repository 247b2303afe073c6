import { type Head, MAX_HEADERS } from "./head.ts";
import { fieldValue, identify, known, tokenLower } from "./known-headers.ts";

/** What is wrong with a head; `status` is what a client is told. */
export interface HeadError {
  readonly status: number;
  readonly details: string;
}

/** Answers of the parsers below zero; above zero it is the offset of the first byte after the head. */
export const INCOMPLETE = 0;

export const headErrors: readonly HeadError[] = [
  { status: 400, details: "http1.codec_error" },
  { status: 400, details: "http1.codec_error" },
  { status: 431, details: "http1.too_many_headers" },
  { status: 400, details: "http1.content_length_and_chunked_not_allowed" },
  { status: 501, details: "http1.invalid_transfer_encoding" },
  { status: 400, details: "http1.invalid_content_length" },
  { status: 400, details: "missing_host_header" },
  { status: 400, details: "http1.invalid_url" },
  { status: 400, details: "http1.invalid_scheme" },
  { status: 505, details: "http1.unsupported_version" },
];

const error = {
  malformed: -1,
  tooMany: -2,
  bothLengths: -3,
  transferEncoding: -4,
  contentLength: -5,
  host: -6,
  url: -7,
  version: -9,
} as const;

export function headErrorOf(code: number): HeadError {
  return headErrors[-code] ?? { status: 400, details: "http1.codec_error" };
}

const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;

/** Envoy's parser knows these and refuses the rest. */
const methods: ReadonlySet<string> = new Set(
  (
    "GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH ACL BIND CHECKOUT COPY LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL " +
    "MOVE MSEARCH NOTIFY PROPFIND PROPPATCH PURGE REBIND REPORT SEARCH SOURCE SUBSCRIBE UNBIND UNLINK UNLOCK UNSUBSCRIBE"
  ).split(" "),
);
const maxMethod = 16;

/** Parses a request head (RFC 9112 2 to 6) strictly. Returns the offset after it, INCOMPLETE, or an error code below zero. */
export function parseRequestHead(head: Head, buffer: Buffer, from: number): number {
  head.reset(buffer);
  let at = from;
  // RFC 9112 2.2: an empty line before the request line is ignored.
  while (at - from < 4 && buffer[at] === CR && buffer[at + 1] === LF) at += 2;
  const line = parseRequestLine(head, at);
  if (line <= INCOMPLETE) return line;
  const end = parseFields(head, line);
  if (end <= INCOMPLETE) return end;
  head.end = end;
  return checkRequest(head) || end;
}

/** Parses a response head. The same answers as parseRequestHead. */
export function parseResponseHead(head: Head, buffer: Buffer, from: number): number {
  head.reset(buffer);
  const line = parseStatusLine(head, from);
  if (line <= INCOMPLETE) return line;
  const end = parseFields(head, line);
  if (end <= INCOMPLETE) return end;
  head.end = end;
  if (head.chunked && head.contentLength >= 0) return error.bothLengths;
  return end;
}

function parseRequestLine(head: Head, start: number): number {
  const { buffer } = head;
  const { length } = buffer;
  let at = start;
  while (at < length && tokenLower[buffer[at] ?? 0] !== 0 && at - start <= maxMethod) at += 1;
  if (at === length) return INCOMPLETE;
  if (buffer[at] !== SPACE || at === start) return error.malformed;
  head.method = methodText(buffer, start, at);
  if (!methods.has(head.method)) return error.malformed;
  const target = at + 1;
  at = target;
  // Anything visible but `#`; what a path may hold beyond that is for the path's own rules.
  while (at < length && (buffer[at] ?? 0) > SPACE && buffer[at] !== 127 && buffer[at] !== 35) at += 1;
  if (at === length) return INCOMPLETE;
  if (buffer[at] === 35) return error.url;
  if (buffer[at] !== SPACE || at === target) return error.malformed;
  head.path = buffer.toString("latin1", target, at);
  return parseVersion(head, at + 1);
}

function methodText(buffer: Buffer, start: number, end: number): string {
  if (end - start === 3 && buffer[start] === 71 && buffer[start + 1] === 69 && buffer[start + 2] === 84) return "GET";
  return buffer.toString("latin1", start, end);
}

/** `HTTP/1.1` and CRLF at the end of a request line. */
function parseVersion(head: Head, start: number): number {
  const { buffer } = head;
  const version = versionAt(buffer, start);
  if (version <= INCOMPLETE) return version;
  head.version = version;
  const end = start + 8;
  if (buffer.length < end + 1) return INCOMPLETE;
  if (buffer[end] !== CR) return error.malformed;
  if (buffer.length < end + 2) return INCOMPLETE;
  return buffer[end + 1] === LF ? end + 2 : error.malformed;
}

function versionAt(buffer: Buffer, start: number): number {
  const expected = "HTTP/1.";
  for (let index = 0; index < expected.length; index += 1) {
    if (start + index >= buffer.length) return INCOMPLETE;
    if (buffer[start + index] === expected.charCodeAt(index)) continue;
    return index > 4 ? error.version : error.malformed;
  }
  if (start + 7 >= buffer.length) return INCOMPLETE;
  const minor = buffer[start + 7];
  if (minor === 49) return 11;
  return minor === 48 ? 10 : error.version;
}

function parseStatusLine(head: Head, start: number): number {
  const { buffer } = head;
  const version = versionAt(buffer, start);
  if (version <= INCOMPLETE) return version;
  head.version = version;
  if (buffer.length < start + 13) return INCOMPLETE;
  if (buffer[start + 8] !== SPACE) return error.malformed;
  let status = 0;
  for (let at = start + 9; at < start + 12; at += 1) {
    const digit = (buffer[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return error.malformed;
    status = status * 10 + digit;
  }
  if (status < 100) return error.malformed;
  head.status = status;
  let at = start + 12;
  while (at < buffer.length && fieldValue[buffer[at] ?? 0] === 1) at += 1;
  if (at + 1 >= buffer.length) return INCOMPLETE;
  if (buffer[at] !== CR || buffer[at + 1] !== LF) return error.malformed;
  head.statusLineStart = start;
  head.statusLineEnd = at + 2;
  return at + 2;
}

function parseFields(head: Head, start: number): number {
  const { buffer } = head;
  const { length } = buffer;
  let at = start;
  for (;;) {
    if (at >= length) return INCOMPLETE;
    if (buffer[at] === CR) {
      if (at + 1 >= length) return INCOMPLETE;
      return buffer[at + 1] === LF ? at + 2 : error.malformed;
    }
    if (head.count === MAX_HEADERS) return error.tooMany;
    at = parseField(head, at);
    if (at <= INCOMPLETE) return at;
  }
}

/** One field line. A name must be a token right before the colon; a line that starts with white space (obs-fold) is no token. */
function parseField(head: Head, start: number): number {
  const { buffer, ranges, count } = head;
  const { length } = buffer;
  let at = start;
  let hash = 0;
  let lower = 0;
  while (at < length) {
    lower = tokenLower[buffer[at]!]!;
    if (lower === 0) break;
    hash = (Math.imul(hash, 31) + lower) | 0;
    at += 1;
  }
  if (at === length) return INCOMPLETE;
  if (buffer[at] !== COLON || at === start) return error.malformed;
  const nameEnd = at;
  at += 1;
  while (at < length && (buffer[at] === SPACE || buffer[at] === TAB)) at += 1;
  const value = at;
  while (at < length && fieldValue[buffer[at]!] === 1) at += 1;
  if (at + 1 >= length) return at < length && buffer[at] !== CR ? error.malformed : INCOMPLETE;
  if (buffer[at] !== CR || buffer[at + 1] !== LF) return error.malformed;
  let valueEnd = at;
  while (valueEnd > value && (buffer[valueEnd - 1] === SPACE || buffer[valueEnd - 1] === TAB)) valueEnd -= 1;
  ranges[count * 4] = start;
  ranges[count * 4 + 1] = nameEnd;
  ranges[count * 4 + 2] = value;
  ranges[count * 4 + 3] = valueEnd;
  const id = identify(buffer, { start, end: nameEnd }, hash);
  head.ids[count] = id;
  head.dropped[count] = 0;
  head.count = count + 1;
  const problem = id === known.other ? 0 : noteFraming(head, id, count);
  return problem < 0 ? problem : at + 2;
}

/** Takes what decides how long the message is and whether the connection lasts. */
function noteFraming(head: Head, id: number, index: number): number {
  switch (id) {
    case known.contentLength:
      return noteLength(head, index);
    case known.transferEncoding:
      // Anything but the one coding that both sides must know could be read differently by the next hop.
      if (head.chunked || head.valueAt(index).toLowerCase() !== "chunked") return error.transferEncoding;
      head.chunked = true;
      return 0;
    case known.connection:
      noteConnection(head, head.valueAt(index).toLowerCase());
      head.dropped[index] = 1;
      return 0;
    case known.keepAlive:
    case known.proxyConnection:
      head.dropped[index] = 1;
      return 0;
    case known.te:
      if (head.valueAt(index).toLowerCase() !== "trailers") head.dropped[index] = 1;
      return 0;
    case known.expect:
      head.expectContinue = head.valueAt(index).toLowerCase() === "100-continue";
      return 0;
    default:
      return 0;
  }
}

function noteLength(head: Head, index: number): number {
  const start = head.ranges[index * 4 + 2] ?? 0;
  const end = head.ranges[index * 4 + 3] ?? 0;
  // 15 digits stay below 2^53. A second one is refused even when equal: there is no honest reason for it.
  if (head.contentLength >= 0 || end === start || end - start > 15) return error.contentLength;
  let length = 0;
  for (let at = start; at < end; at += 1) {
    const digit = (head.buffer[at] ?? 0) - 48;
    if (digit < 0 || digit > 9) return error.contentLength;
    length = length * 10 + digit;
  }
  head.contentLength = length;
  return 0;
}

/** Connection options: the fields that they name are dropped when the whole head is known. */
function noteConnection(head: Head, value: string): void {
  if (value === "keep-alive") return;
  if (value === "close") {
    head.close = true;
    return;
  }
  for (const option of value.split(",")) {
    const name = option.trim();
    if (name === "close") head.close = true;
    else if (name === "upgrade") head.wantsUpgrade = true;
    else if (name !== "" && name !== "keep-alive") head.hopByHop.push(name);
  }
}

const authorityText = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]+)(?::[0-9]{1,5})?$/;

function checkRequest(head: Head): number {
  if (head.chunked && head.contentLength >= 0) return error.bothLengths;
  if (head.chunked && head.version === 10) return error.bothLengths;
  const host = head.indexOf(known.host);
  if (host < 0 && head.version === 11) return error.host;
  if (host >= 0) {
    for (let index = host + 1; index < head.count; index += 1) if (head.ids[index] === known.host) return error.host;
    head.authority = head.valueAt(host);
    // Most requests of a connection name the same host.
    if (head.authority === "" || head.authority !== head.checkedAuthority) {
      if (!isAuthority(head.authority)) return error.host;
      head.checkedAuthority = head.authority;
    }
  }
  const first = head.path.charCodeAt(0);
  if (first === 47) return 0;
  return checkTarget(head);
}

function isAuthority(value: string): boolean {
  return authorityText.test(value);
}

/** Absolute, asterisk and authority form (RFC 9112 3.2.2 to 3.2.4). */
function checkTarget(head: Head): number {
  if (head.method === "CONNECT") {
    if (!isAuthority(head.path)) return error.url;
    head.authority = head.path;
    return 0;
  }
  if (head.path === "*") return head.method === "OPTIONS" ? 0 : error.url;
  const absolute = /^https?:\/\/([^/?]*)(.*)$/i.exec(head.path);
  if (absolute === null || !isAuthority(absolute[1] ?? "")) return error.url;
  head.authority = absolute[1] ?? "";
  const rest = absolute[2] ?? "";
  head.path = rest.startsWith("/") ? rest : `/${rest}`;
  return 0;
}
