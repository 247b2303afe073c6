import { Check, Circle, CircleDashed, LoaderCircle, Minus, X } from "lucide-react";
import { useEffect, useState } from "react";
import type { BringUpStep, ClusterStatus } from "#api/rpc/cluster.ts";
import { useAction, useStream } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import "./provisioning.css";

/** The way from nothing to a lab that is ready: every step with what it does, how long it takes and its log. */
export function Provisioning({ status }: { readonly status: ClusterStatus | undefined }) {
  const start = useAction("cluster.start");
  const cancel = useAction("cluster.cancel");
  const now = useNow(status?.phase === "starting");
  if (status === undefined) return <div className="muted">Connecting …</div>;
  const { phase, steps, error } = status;
  const done = steps.filter((step) => step.state === "done").length;
  return (
    <div className="provisioning stack">
      <h1>{titles[phase]}</h1>
      {phase === "starting" && (
        <div className="row spread">
          <span className="muted">
            {done} of {steps.length} steps
            {status.startedAt === undefined ? "" : ` · ${seconds(now - status.startedAt)}`}
          </span>
          <button type="button" className="button" onClick={() => void cancel.run({})} disabled={cancel.busy}>
            Cancel
          </button>
        </div>
      )}
      {error && (
        <ErrorCard error={error}>
          <button type="button" className="button primary" onClick={() => void start.run({})}>
            Try again
          </button>
        </ErrorCard>
      )}
      {(phase === "absent" || phase === "stopped") && (
        <div className="row">
          <button type="button" className="button primary" onClick={() => void start.run({})} disabled={start.busy}>
            Start the lab
          </button>
          <span className="muted">
            A Kubernetes cluster on this machine, the mesh, and a sample shop under load. It takes some seconds.
          </span>
        </div>
      )}
      <ol className="steps">
        {steps.map((step) => (
          <Step key={step.id} step={step} now={now} />
        ))}
      </ol>
    </div>
  );
}

const titles = {
  absent: "Nothing runs yet",
  starting: "Starting the lab",
  ready: "Ready",
  stopping: "Stopping",
  stopped: "The lab is stopped",
  failed: "The lab did not start",
  cancelled: "The start was cancelled",
} as const;

const icons = {
  pending: CircleDashed,
  running: LoaderCircle,
  done: Check,
  failed: X,
  skipped: Minus,
  cancelled: Circle,
} as const;

function Step({ step, now }: { readonly step: BringUpStep; readonly now: number }) {
  const [open, setOpen] = useState(false);
  const Icon = icons[step.state];
  const elapsed = step.startedAt === undefined ? "" : seconds((step.endedAt ?? now) - step.startedAt);
  return (
    <li className={`step ${step.state}`}>
      <button type="button" className="step-head" onClick={() => setOpen(!open)} aria-expanded={open}>
        <Icon size={18} aria-hidden className={step.state === "running" ? "spin" : ""} />
        <span className="step-title">{step.title}</span>
        <span className="visually-hidden">{step.state}</span>
        <span className="muted step-detail">{step.detail}</span>
        <span className="muted">{elapsed}</span>
      </button>
      {step.error && <ErrorCard error={step.error} />}
      {open && <StepLog step={step.id} />}
    </li>
  );
}

function StepLog({ step }: { readonly step: string }) {
  const [lines, setLines] = useState<readonly string[]>([]);
  useStream("cluster.log", { step }, (events) =>
    setLines((before) => [...before, ...events.flatMap((event) => event.lines)]),
  );
  return <pre className="step-log">{lines.length === 0 ? "No output." : lines.join("\n")}</pre>;
}

function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(Date.now()), 100);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}

const seconds = (milliseconds: number): string => `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`;
