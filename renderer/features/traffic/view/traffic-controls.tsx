import { Pencil, Play, Square } from "lucide-react";
import { useEffect, useState } from "react";
import type { TrafficSettings } from "#api/lab.ts";
import { useAction, useLatest } from "../../../bridge/hooks.ts";
import { RequestShapes } from "./request-shapes.tsx";
import "./traffic.css";

const DEFAULT_RATE = 40;

/** The generator: how many requests a second and which, started and stopped at will. */
export function TrafficControls() {
  const status = useLatest("traffic.status", {});
  const start = useAction("traffic.start");
  const stop = useAction("traffic.stop");
  const [rate, setRate] = useState(DEFAULT_RATE);
  const [editing, setEditing] = useState(false);
  const settings = status?.settings ?? undefined;
  const known = settings?.rate;
  useEffect(() => {
    if (known !== undefined) setRate(known);
  }, [known]);
  const send = (changes: Partial<TrafficSettings>): void => {
    if (settings) void start.run({ settings: { ...settings, rate, ...changes } });
  };
  const applyRate = (value: number): void => {
    setRate(value);
    if (status?.running && value !== known) send({ rate: value });
  };
  const error = start.error?.message ?? stop.error?.message ?? status?.error;
  return (
    <section className="card traffic" aria-label="Traffic">
      <div className="row">
        <strong>Traffic</strong>
        {status?.running ? (
          <button type="button" className="button" onClick={() => void stop.run({})} disabled={stop.busy}>
            <Square size={13} aria-hidden /> Stop
          </button>
        ) : (
          <button type="button" className="button" onClick={() => send({})} disabled={start.busy || !settings}>
            <Play size={13} aria-hidden /> Start
          </button>
        )}
        <Rate rate={rate} onChange={setRate} onApply={applyRate} />
        <span className="traffic-shapes muted">{settings === undefined ? "" : summaryOf(settings)}</span>
        <button
          type="button"
          className="button quiet"
          aria-expanded={editing}
          disabled={!settings}
          onClick={() => setEditing(!editing)}
        >
          <Pencil size={13} aria-hidden /> Requests
        </button>
      </div>
      {error && (
        <p className="bad" role="alert">
          {error}
        </p>
      )}
      {editing && settings && (
        <RequestShapes
          settings={settings}
          onApply={(requests) => {
            setEditing(false);
            send({ requests: [...requests] });
          }}
        />
      )}
    </section>
  );
}

interface RateProps {
  readonly rate: number;
  readonly onChange: (rate: number) => void;
  readonly onApply: (rate: number) => void;
}

function Rate({ rate, onChange, onApply }: RateProps) {
  return (
    <div className="row">
      <input
        type="range"
        aria-label="Requests per second"
        min={1}
        max={300}
        value={rate}
        onChange={(event) => onChange(Number(event.target.value))}
        onPointerUp={() => onApply(rate)}
        onKeyUp={() => onApply(rate)}
      />
      <input
        type="number"
        className="input"
        aria-label="Requests per second"
        style={{ width: 72 }}
        min={1}
        max={5000}
        value={rate}
        onChange={(event) => onApply(Math.min(5000, Math.max(1, Number(event.target.value))))}
      />
      <span className="muted" title="requests per second">
        rps
      </span>
    </div>
  );
}

const summaryOf = ({ requests }: TrafficSettings): string =>
  [...new Set(requests.map((request) => `${request.method} ${request.path}`))].join(" · ");
