import { ChevronDown, ChevronRight, Lock, LockOpen, Play, Square } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useStore } from "zustand";
import { defaultCaptureLimits, isHousekeeping, type PacketKind, packetKinds } from "#api/packet.ts";
import type { NamedPacket } from "#api/rpc/contract.ts";
import { useQuery, useStream } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { type PacketTarget, packetsStore, watchPackets } from "../model.ts";
import "./packets.css";

const MAX_ROWS = 2000;
const names: Readonly<Record<PacketKind, string>> = {
  http: "readable HTTP",
  tls: "TLS",
  dns: "DNS",
  data: "other",
  connection: "opening and closing",
};

/** What anybody on the wire sees of a pod. */
export function PacketsPanel() {
  const { target, run } = useStore(packetsStore);
  const [kinds, setKinds] = useState<ReadonlySet<PacketKind>>(new Set(["http", "tls", "data"]));
  const [housekeeping, setHousekeeping] = useState(false);
  const toggle = (kind: PacketKind): void =>
    setKinds((before) => new Set(before.has(kind) ? [...before].filter((one) => one !== kind) : [...before, kind]));
  return (
    <div className="packets">
      <div className="row packets-head">
        <PodPicker />
        {packetKinds.map((kind) => (
          <label key={kind} className="row">
            <input type="checkbox" checked={kinds.has(kind)} onChange={() => toggle(kind)} /> {names[kind]}
          </label>
        ))}
        <label className="row">
          <input type="checkbox" checked={housekeeping} onChange={() => setHousekeeping(!housekeeping)} /> probes and
          metrics
        </label>
      </div>
      {target === undefined ? (
        <Empty title="No packets yet">
          Choose a pod to see what anybody on the wire between it and the others sees: heads of HTTP that is not
          encrypted, and of TLS no more than who is asked for.
        </Empty>
      ) : (
        <Capture
          key={`${target.namespace}/${target.pod} ${run}`}
          target={target}
          shows={(packet) => kinds.has(packet.kind) && (housekeeping || !isHousekeeping(packet))}
        />
      )}
    </div>
  );
}

function PodPicker() {
  const { data, reload } = useQuery("pods.list", {});
  const target = useStore(packetsStore, (state) => state.target);
  return (
    <select
      className="input"
      aria-label="Pod"
      value={target === undefined ? "" : `${target.namespace}/${target.pod}`}
      onPointerDown={reload}
      onFocus={reload}
      onChange={(event) => {
        const [namespace = "", pod = ""] = event.target.value.split("/");
        if (pod !== "") watchPackets({ namespace, pod });
      }}
    >
      <option value="">Pod …</option>
      {data?.map(({ namespace, name }) => (
        <option key={`${namespace}/${name}`} value={`${namespace}/${name}`}>
          {namespace} / {name}
        </option>
      ))}
    </select>
  );
}

type Ending = { readonly reason: string; readonly dropped: number };

function Capture({
  target,
  shows,
}: {
  readonly target: PacketTarget;
  readonly shows: (packet: NamedPacket) => boolean;
}) {
  const [packets, setPackets] = useState<readonly NamedPacket[]>([]);
  const [started, setStarted] = useState(false);
  const [ending, setEnding] = useState<Ending>();
  const [error, setError] = useState<Parameters<typeof ErrorCard>[0]["error"]>();
  const shown = packets.filter(shows);
  const count = (kind: PacketKind): number =>
    packets.filter((packet) => packet.kind === kind && !isHousekeeping(packet)).length;
  return (
    <>
      {ending === undefined && error === undefined && (
        <Follow
          target={target}
          onPackets={(more) => setPackets((before) => [...before, ...more].slice(-MAX_ROWS))}
          onStarted={() => setStarted(true)}
          onEnd={setEnding}
          onError={setError}
        />
      )}
      <div className="row packets-head" role="status">
        {ending === undefined && error === undefined ? (
          <button type="button" className="button" onClick={() => setEnding({ reason: "you", dropped: 0 })}>
            <Square size={13} aria-hidden /> Stop
          </button>
        ) : (
          <button type="button" className="button" onClick={() => watchPackets(target)}>
            <Play size={13} aria-hidden /> Look again
          </button>
        )}
        <span className={count("http") > 0 ? "warn" : "muted"}>
          <LockOpen size={13} aria-hidden /> {count("http")} readable
        </span>
        <span className="mtls">
          <Lock size={13} aria-hidden /> {count("tls")} of TLS
        </span>
        <span className="muted">
          {ending === undefined
            ? started
              ? `looking, for at most ${defaultCaptureLimits.seconds} s or ${defaultCaptureLimits.packets} packets`
              : "opening the pod's network …"
            : `ended by ${ending.reason === "you" ? "you" : `the limit of ${ending.reason}`}${ending.dropped > 0 ? `; ${ending.dropped} packets came too fast` : ""}`}
        </span>
      </div>
      {error && <ErrorCard error={error} />}
      <Rows packets={shown} />
    </>
  );
}

interface FollowProps {
  readonly target: PacketTarget;
  readonly onPackets: (packets: readonly NamedPacket[]) => void;
  readonly onStarted: () => void;
  readonly onEnd: (ending: Ending) => void;
  readonly onError: (error: Parameters<typeof ErrorCard>[0]["error"]) => void;
}

/** Captures as long as it is there. */
function Follow({ target, onPackets, onStarted, onEnd, onError }: FollowProps) {
  useStream(
    "packets",
    { ...target, limits: defaultCaptureLimits },
    (events) => {
      if (events.some(({ type }) => type === "started")) onStarted();
      const packets = events.flatMap((event) => (event.type === "packet" ? [event.packet] : []));
      if (packets.length > 0) onPackets(packets);
      for (const event of events) if (event.type === "ended") onEnd(event);
    },
    (failure) => failure && onError(failure),
  );
  return null;
}

function Rows({ packets }: { readonly packets: readonly NamedPacket[] }) {
  const [open, setOpen] = useState<NamedPacket>();
  const parent = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new rows scroll, if the reader is at the end
  useEffect(() => {
    if (atEnd.current && parent.current) parent.current.scrollTop = parent.current.scrollHeight;
  }, [packets.length]);
  return (
    <div
      ref={parent}
      className="packets-list"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 30;
      }}
    >
      <table className="table">
        <thead>
          <tr>
            <th>Time</th>
            <th>From</th>
            <th>To</th>
            <th>What can be read</th>
            <th className="number">Bytes</th>
          </tr>
        </thead>
        <tbody>
          {packets.map((packet) => (
            <Row
              key={packet.number}
              packet={packet}
              open={packet === open}
              onToggle={() => setOpen(packet === open ? undefined : packet)}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({
  packet,
  open,
  onToggle,
}: {
  readonly packet: NamedPacket;
  readonly open: boolean;
  readonly onToggle: () => void;
}) {
  const Icon = packet.kind === "tls" ? Lock : packet.kind === "http" ? LockOpen : undefined;
  return (
    <>
      <tr>
        <td className="muted">{new Date(packet.time).toISOString().slice(11, 23)}</td>
        <td title={packet.from}>{packet.fromName ?? packet.from}</td>
        <td title={packet.to}>{packet.toName ?? packet.to}</td>
        <td className={packet.kind === "http" ? "warn" : packet.kind === "tls" ? "mtls" : ""}>
          {packet.details.length > 0 ? (
            <button type="button" className="packet-toggle" aria-expanded={open} onClick={onToggle}>
              {open ? <ChevronDown size={13} aria-hidden /> : <ChevronRight size={13} aria-hidden />}
              {Icon && <Icon size={13} aria-label={packet.kind === "tls" ? "encrypted" : "readable"} />}{" "}
              {packet.summary}
            </button>
          ) : (
            <span className="packet-plain">
              {Icon && <Icon size={13} aria-label={packet.kind === "tls" ? "encrypted" : "readable"} />}{" "}
              {packet.summary}
            </span>
          )}
        </td>
        <td className="number">{packet.bytes}</td>
      </tr>
      {open && (
        <tr>
          <td colSpan={5}>
            <pre className="packet-details">{packet.details.join("\n")}</pre>
          </td>
        </tr>
      )}
    </>
  );
}
