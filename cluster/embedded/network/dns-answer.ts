import { parseAddress } from "./addresses.ts";
import type { DnsRecord, DnsZone } from "./dns-zone.ts";

export type Rcode = "NOERROR" | "NXDOMAIN" | "REFUSED";

export interface DnsReply {
  readonly rcode: Rcode;
  readonly answers: readonly DnsRecord[];
  /** Records that save the client a second question: addresses of SRV targets. */
  readonly additionals: readonly DnsRecord[];
}

export interface DnsQuestion {
  /** With or without the last dot, in any case. */
  readonly name: string;
  /** "A", "AAAA", "SRV", "PTR", "ANY", … */
  readonly type: string;
}

const refused: DnsReply = { rcode: "REFUSED", answers: [], additionals: [] };
const noSuchName: DnsReply = { rcode: "NXDOMAIN", answers: [], additionals: [] };
const MAX_ALIASES = 8;

/**
 * What the cluster's DNS server answers. A name of the zone without records of the type is NOERROR without answers (so that AAAA
 * does not hide A), an unknown one NXDOMAIN; names outside are refused: there is no way out of the sandbox. Pure.
 */
export function answerQuestion(zone: DnsZone, question: DnsQuestion): DnsReply {
  const name = question.name.replace(/\.$/, "").toLowerCase();
  const reverse = name.endsWith(".in-addr.arpa") || name.endsWith(".ip6.arpa");
  if (name !== zone.domain && !name.endsWith(`.${zone.domain}`) && !reverse) return refused;
  const records = zone.records.get(name) ?? podAddress(zone, name);
  if (records === undefined)
    return zone.parents.has(name) || name === zone.domain
      ? { rcode: "NOERROR", answers: [], additionals: [] }
      : noSuchName;
  const wanted = records.filter((record) => record.type === question.type || question.type === "ANY");
  const answers = wanted.length > 0 ? wanted : followAlias(zone, records, question.type);
  const additionals = answers.flatMap((record) =>
    record.type === "SRV" ? (zone.records.get(record.data.target) ?? []).filter((one) => one.type === "A") : [],
  );
  return { rcode: "NOERROR", answers, additionals };
}

/** An alias to a name of the zone is answered with that name's records; one that leads outside stands alone. */
function followAlias(zone: DnsZone, records: readonly DnsRecord[], type: string): readonly DnsRecord[] {
  const answers: DnsRecord[] = [];
  let current = records;
  for (let hop = 0; hop < MAX_ALIASES; hop++) {
    const alias = current.find((record) => record.type === "CNAME");
    if (alias === undefined || alias.type !== "CNAME") break;
    answers.push(alias);
    current = zone.records.get(alias.data) ?? [];
    const found = current.filter((record) => record.type === type);
    if (found.length > 0) return [...answers, ...found];
  }
  return answers;
}

/** 10-244-0-5.shop.pod.cluster.local is 10.244.0.5, whether there is such a pod or not (the "insecure" mode that most clusters use). */
function podAddress(zone: DnsZone, name: string): readonly DnsRecord[] | undefined {
  const suffix = `.pod.${zone.domain}`;
  if (!name.endsWith(suffix)) return undefined;
  const [dashed = "", namespace, ...rest] = name.slice(0, -suffix.length).split(".");
  const address = dashed.replaceAll("-", ".");
  if (namespace === undefined || rest.length > 0 || parseAddress(address) === undefined) return undefined;
  return [{ type: "A", name, data: address }];
}
