import type { Duplex } from "node:stream";
import { parseClientHello } from "../../lib/tls/client-hello.ts";

/** What a listener wants to know before it chooses a filter chain. */
export interface InspectRules {
  readonly tls: boolean;
  readonly http: boolean;
  /** 0 waits for ever. */
  readonly timeoutMs: number;
  readonly continueOnTimeout: boolean;
}

export interface Inspection {
  readonly transportProtocol: "tls" | "raw_buffer";
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
}

/** What is said of a connection into which nobody looks. */
export const raw: Inspection = { transportProtocol: "raw_buffer", serverName: "", applicationProtocols: [] };
const enough = 16 * 1024;
const http2Preface = "PRI * HTTP/2.0";

/**
 * Looks at a connection's first bytes and puts them back. `done` is called with undefined when the connection has to be closed:
 * it ended, or said nothing in time.
 */
export function inspect(socket: Duplex, rules: InspectRules, done: (inspection: Inspection | undefined) => void): void {
  if (!rules.tls && !rules.http) return done(raw);
  let seen: Buffer | undefined;
  const finish = (inspection: Inspection | undefined): void => {
    clearTimeout(timer);
    socket.off("data", onData).off("end", onEnd).off("close", onEnd).off("error", onEnd);
    socket.pause();
    if (seen !== undefined) socket.unshift(seen);
    done(inspection);
  };
  const onData = (chunk: Buffer): void => {
    seen = seen === undefined ? chunk : Buffer.concat([seen, chunk]);
    const inspection = judge(seen, rules);
    if (inspection !== undefined) finish(inspection);
    else if (seen.length > enough) finish(raw);
  };
  const onEnd = (): void => finish(seen === undefined ? undefined : raw);
  const timer =
    rules.timeoutMs === 0
      ? undefined
      : setTimeout(() => finish(rules.continueOnTimeout ? raw : undefined), rules.timeoutMs);
  socket.on("data", onData).once("end", onEnd).once("close", onEnd).once("error", onEnd);
}

/** Undefined while more bytes are needed. */
function judge(bytes: Buffer, rules: InspectRules): Inspection | undefined {
  if (rules.tls) {
    const hello = parseClientHello(bytes);
    if (hello === "more") return undefined;
    if (hello !== "not-tls") {
      return { transportProtocol: "tls", serverName: hello.serverName, applicationProtocols: hello.protocols };
    }
  }
  if (!rules.http) return raw;
  const protocol = httpVersion(bytes);
  if (protocol === "more") return undefined;
  return protocol === undefined ? raw : { ...raw, applicationProtocols: [protocol] };
}

/**
 * The version in a request line. HTTP/2 is left to the chains for other protocols: its bytes are passed on as they are, so it is
 * not announced here.
 */
function httpVersion(bytes: Buffer): "http/1.0" | "http/1.1" | undefined | "more" {
  const text = bytes.toString("latin1", 0, Math.min(bytes.length, 8192));
  if (text.startsWith(http2Preface.slice(0, text.length)))
    return text.length >= http2Preface.length ? undefined : "more";
  const lineEnd = text.indexOf("\n");
  const line = lineEnd < 0 ? text : text.slice(0, lineEnd);
  if (!/^[A-Z]{1,16}(?: |$)/.test(line)) return undefined;
  if (lineEnd < 0) return text.length < 8192 ? "more" : undefined;
  const version = / HTTP\/1\.([01])\r?$/.exec(line);
  if (version === null) return undefined;
  return version[1] === "0" ? "http/1.0" : "http/1.1";
}
