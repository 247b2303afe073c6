import { Play, Square } from "lucide-react";
import { useEffect, useState } from "react";
import { useAction, useLatest } from "../../../bridge/hooks.ts";

/** The generator: how many requests a second, started and stopped at will. What it sends is the lab's to say. */
export function TrafficControls() {
  const status = useLatest("traffic.status", {});
  const start = useAction("traffic.start");
  const stop = useAction("traffic.stop");
  const [rate, setRate] = useState(40);
  const [settings, setSettings] = useState(status?.settings);
  useEffect(() => {
    if (status?.settings == null) return;
    setSettings(status.settings);
    setRate(status.settings.rate);
  }, [status?.settings?.rate, status?.settings]);
  const apply = (value: number): void => {
    setRate(value);
    if (settings && status?.running) void start.run({ settings: { ...settings, rate: value } });
  };
  return (
    <section className="card row" aria-label="Traffic" style={{ padding: "8px 16px" }}>
      <strong>Traffic</strong>
      {status?.running ? (
        <button type="button" className="button" onClick={() => void stop.run({})} disabled={stop.busy}>
          <Square size={13} aria-hidden /> Stop
        </button>
      ) : (
        <button
          type="button"
          className="button"
          onClick={() => settings && void start.run({ settings: { ...settings, rate } })}
          disabled={start.busy || !settings}
        >
          <Play size={13} aria-hidden /> Start
        </button>
      )}
      <label className="row">
        <span className="muted">requests per second</span>
        <input
          type="range"
          min={1}
          max={300}
          value={rate}
          onChange={(event) => setRate(Number(event.target.value))}
          onPointerUp={() => apply(rate)}
          onKeyUp={() => apply(rate)}
        />
        <input
          type="number"
          className="input"
          style={{ width: 84 }}
          min={1}
          max={5000}
          value={rate}
          onChange={(event) => apply(Math.max(1, Number(event.target.value)))}
        />
      </label>
      <span className="muted" style={{ flex: 1, textAlign: "right" }}>
        {settings?.requests
          .map((request) => `${request.method} ${request.path}`)
          .filter((text, index, all) => all.indexOf(text) === index)
          .join(" · ")}
      </span>
      {(start.error ?? stop.error ?? status?.error) && (
        <span className="bad">{(start.error ?? stop.error)?.message ?? status?.error}</span>
      )}
    </section>
  );
}
