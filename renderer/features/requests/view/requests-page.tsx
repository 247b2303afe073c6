import { useVirtualizer } from "@tanstack/react-virtual";
import { Lock, Pause, Play } from "lucide-react";
import { useRef, useState } from "react";
import { useStore } from "zustand";
import type { RequestEvent } from "#api/rpc/telemetry.ts";
import { isFailedStatus } from "#api/traffic.ts";
import { useStream } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { milliseconds } from "../../../ui/format.ts";
import { frameStore } from "../../frame/model.ts";
import { RequestDetail } from "./request-detail.tsx";
import "./requests.css";

const MAX = 2000;
const ROW = 30;

/** What the proxies see, as it happens. One request opens into its hops. */
export function RequestsPage() {
  const filter = useStore(frameStore, (state) => state.requestFilter);
  const setFilter = (requestFilter: string): void => frameStore.setState({ requestFilter });
  const [paused, setPaused] = useState(false);
  const [selected, setSelected] = useState<RequestEvent>();
  const { requests, dropped } = useRequests(filter, paused);
  return (
    <div className="requests">
      <div className="requests-head">
        <h1>Requests</h1>
        <input
          className="input"
          style={{ flex: 1 }}
          placeholder="status:5xx  path:/cart  from:storefront  to:cart-v2  flag:UH"
          aria-label="Filter"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <button type="button" className="button" onClick={() => setPaused(!paused)} aria-pressed={paused}>
          {paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />} {paused ? "Go on" : "Pause"}
        </button>
        {dropped > 0 && <span className="warn">{dropped} not shown</span>}
      </div>
      <div className="requests-body">
        {requests.length === 0 ? (
          <Empty title={filter === "" ? "No requests yet" : "No request fits the filter"}>
            Requests that the proxies handle appear here within a second.
          </Empty>
        ) : (
          <RequestList requests={requests} selected={selected} onSelect={setSelected} />
        )}
        {selected && (
          <RequestDetail
            request={selected}
            all={requests}
            onClose={() => setSelected(undefined)}
            onSelect={setSelected}
          />
        )}
      </div>
    </div>
  );
}

function useRequests(
  filter: string,
  paused: boolean,
): { readonly requests: readonly RequestEvent[]; readonly dropped: number } {
  const [requests, setRequests] = useState<readonly RequestEvent[]>([]);
  const [dropped, setDropped] = useState(0);
  const current = useRef(filter);
  useStream("requests", { filter }, (events) => {
    if (paused) return;
    const fresh = events.flatMap((event) => event.requests);
    const anew = current.current !== filter;
    current.current = filter;
    setRequests((before) => [...(anew ? [] : before), ...fresh].slice(-MAX));
    setDropped((before) => before + events.reduce((sum, event) => sum + event.dropped, 0));
  });
  return { requests, dropped };
}

interface RequestListProps {
  readonly requests: readonly RequestEvent[];
  readonly selected: RequestEvent | undefined;
  readonly onSelect: (request: RequestEvent) => void;
}

function RequestList({ requests, selected, onSelect }: RequestListProps) {
  const parent = useRef<HTMLDivElement>(null);
  const newestFirst = requests.toReversed();
  const rows = useVirtualizer({
    count: newestFirst.length,
    getScrollElement: () => parent.current,
    estimateSize: () => ROW,
    overscan: 20,
    getItemKey: (index) => newestFirst[index]?.id ?? index,
  });
  return (
    <div className="request-list" ref={parent}>
      <div style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map((row) => {
          const request = newestFirst[row.index];
          if (request === undefined) return null;
          return (
            <button
              type="button"
              key={row.key}
              className={`request-row ${isFailedStatus(request.status) ? "failed" : ""}`}
              aria-pressed={request.id === selected?.id}
              style={{ transform: `translateY(${row.start}px)`, height: ROW }}
              onClick={() => onSelect(request)}
            >
              <span className="muted mono">
                {new Date(request.time).toLocaleTimeString(undefined, { hour12: false })}
              </span>
              <span className="mono request-status">{request.status || "–"}</span>
              <span className="mono request-flags">{request.flags === "-" ? "" : request.flags}</span>
              <span className="request-path mono">
                {request.method} {request.path}
              </span>
              <span>{request.source || "–"}</span>
              <span>→ {request.destination || request.authority}</span>
              <span>{request.mutualTls && <Lock size={12} className="good" aria-label="mutual TLS" />}</span>
              <span className="request-time">{milliseconds(request.durationMs)}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}
