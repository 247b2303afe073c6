import { X } from "lucide-react";
import type { RequestEvent } from "#api/rpc/telemetry.ts";
import { milliseconds } from "../../../ui/format.ts";
import { objectOf } from "../../manifest/config-source.ts";
import { showManifest } from "../../manifest/model.ts";
import { explanationsOf, isRefused } from "../explain.ts";

export interface RequestDetailProps {
  readonly request: RequestEvent;
  readonly all: readonly RequestEvent[];
  readonly onClose: () => void;
  readonly onSelect: (request: RequestEvent) => void;
}

/** Why a request went where it went: each hop of its trace with route, cluster, endpoint, and what the flags mean. */
export function RequestDetail({ request, all, onClose, onSelect }: RequestDetailProps) {
  const hops =
    request.traceId === ""
      ? [request]
      : all
          .filter((other) => other.traceId === request.traceId)
          .toSorted((a, b) => a.time - b.time || b.durationMs - a.durationMs);
  return (
    <aside className="request-detail" aria-label="Request">
      <div className="row spread">
        <h2 className="mono">
          {request.method} {request.path}
        </h2>
        <button type="button" className="button quiet" onClick={onClose} aria-label="Close">
          <X size={15} aria-hidden />
        </button>
      </div>
      <p className="muted">
        {hops.length} {hops.length === 1 ? "hop" : "hops"} seen by the proxies
      </p>
      <ol className="hops">
        {hops.map((hop) => (
          <li key={hop.id} className={hop.id === request.id ? "current" : ""}>
            <button type="button" className="hop-head" onClick={() => onSelect(hop)}>
              <strong>{hop.reporter.pod}</strong> <span className="muted">{hop.reporter.direction}</span>
              <span className="request-time">
                {hop.status || "–"} · {milliseconds(hop.durationMs)}
              </span>
            </button>
            {hop.id === request.id && <Hop hop={hop} />}
          </li>
        ))}
      </ol>
    </aside>
  );
}

function Hop({ hop }: { readonly hop: RequestEvent }) {
  const rows: readonly (readonly [string, string])[] = [
    ["host", hop.authority],
    ["route", hop.route || "–"],
    ["cluster", hop.cluster || "–"],
    ["endpoint", hop.upstream || "–"],
    ["attempts", String(hop.attempts)],
    ["from", hop.source || "unknown (no proxy)"],
    ["identity", hop.principal || "–"],
    ["to", hop.destination || "unknown"],
    ["mutual TLS", hop.mutualTls ? "yes" : "no"],
    ["details", hop.details || "–"],
  ];
  return (
    <>
      {explanationsOf(hop).map(({ sign, means, look }) => (
        <p key={sign} className="flag-text">
          <strong className="bad">{sign}</strong> {means}. <span className="muted">{look}</span>
        </p>
      ))}
      <table className="hop-table">
        <tbody>
          <tr>
            <th scope="row">decided by</th>
            <td>{isRefused(hop) && hop.configSource === "" ? "no policy" : <DecidedBy source={hop.configSource} />}</td>
          </tr>
          {rows.map(([name, value]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td className="mono">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

function DecidedBy({ source }: { readonly source: string }) {
  const object = objectOf(source);
  if (object === undefined) return source === "" ? "the mesh's defaults" : source;
  return (
    <button type="button" className="link" onClick={() => showManifest(object)} title="Show it as it is in the cluster">
      {object.kind} {object.namespace}/{object.name}
    </button>
  );
}
