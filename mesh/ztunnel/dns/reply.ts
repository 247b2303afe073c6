import { encode, type Packet } from "dns-packet";
import { findName, type NameContext } from "./names.ts";

/** Source: RFC 1035, 4.1.1. */
const RCODE = { formatError: 1, serverFailure: 2, notImplemented: 4 } as const;
const OPCODE = 0x7800;
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;
/** What a client without EDNS can take over UDP, and the most that anybody gets. */
const UDP_LIMIT = 512;
const MAX_UDP = 4096;
/** Seconds that answers may be kept, as Istio's ztunnel says. */
const TTL = 30;

export type Answered = { readonly kind: "reply"; readonly packet: Packet } | { readonly kind: "forward" };

export interface ReplyContext extends NameContext {
  /** Between 0 and 1; shuffles addresses. */
  readonly random: () => number;
}

/**
 * Answers a question from what the mesh knows, or says that it is somebody else's to answer. A name that the mesh has IPv4 addresses
 * for has no IPv6 ones: that is an empty answer, not an error, so that clients who ask for both get the one. Pure but for `random`.
 */
export function answerQuery(context: ReplyContext, query: Packet): Answered {
  const [question] = query.questions ?? [];
  if (((query.flags ?? 0) & OPCODE) !== 0) return failure(query, "notImplemented");
  if (question === undefined || query.questions?.length !== 1) return failure(query, "formatError");
  if (question.type !== "A" && question.type !== "AAAA") return { kind: "forward" };
  const found = findName(context, question.name.toLowerCase().replace(/\.$/, ""));
  if (found === undefined) return { kind: "forward" };
  const name = found.canonical ?? question.name;
  const records = question.type === "A" ? shuffled(found.addresses, context.random) : [];
  const alias = { type: "CNAME", class: "IN", ttl: TTL, name: question.name, data: name } as const;
  const packet: Packet = {
    ...base(query),
    flags: flags(query) | AUTHORITATIVE,
    answers: [
      ...(found.canonical === undefined ? [] : [alias]),
      ...records.map((data) => ({ type: "A", class: "IN", ttl: TTL, name, data }) as const),
    ],
  };
  return { kind: "reply", packet };
}

/** What a client gets whose question could not be answered. */
export function failure(
  query: Packet,
  reason: keyof typeof RCODE,
): { readonly kind: "reply"; readonly packet: Packet } {
  return { kind: "reply", packet: { ...base(query), flags: flags(query) | RCODE[reason] } };
}

/** As much of a reply as fits into a datagram; one that does not is cut, and the client asks again over TCP. */
export function encodeForUdp(query: Packet, reply: Packet): Buffer {
  const bytes = encode(reply);
  if (bytes.length <= udpLimit(query)) return bytes;
  return encode({ ...reply, flags: (reply.flags ?? 0) | TRUNCATED, answers: [], additionals: [] });
}

/** What the client says that it can take (EDNS), within reason. Source: RFC 6891. */
export function udpLimit(query: Packet): number {
  const option = query.additionals?.find((record) => record.type === "OPT");
  return option?.type === "OPT" ? Math.min(Math.max(option.udpPayloadSize, UDP_LIMIT), MAX_UDP) : UDP_LIMIT;
}

const base = (query: Packet): Packet => ({ type: "response", id: query.id ?? 0, questions: query.questions ?? [] });

const flags = (query: Packet): number => ((query.flags ?? 0) & RECURSION_DESIRED) | RECURSION_AVAILABLE;

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  return list
    .map((value) => ({ value, at: random() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
