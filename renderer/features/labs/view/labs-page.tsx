import { Clock, FlaskConical } from "lucide-react";
import { lazy, Suspense } from "react";
import { useStore } from "zustand";
import { useQuery } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { frameStore, openLab } from "../../frame/model.ts";
import "./labs.css";

const LabPage = lazy(() => import("./lab-page.tsx"));

/** The first page: what each lab teaches, how long it takes, how far you are. */
export function LabsPage() {
  const lab = useStore(frameStore, (state) => state.lab);
  if (lab !== undefined) {
    return (
      <Suspense fallback={<div className="page muted">…</div>}>
        <LabPage lab={lab} />
      </Suspense>
    );
  }
  return <LabList />;
}

function LabList() {
  const { data, error } = useQuery("labs.list", { language: "en" });
  return (
    <div className="page">
      <div className="lab-list stack">
        <h1>Labs</h1>
        <p className="muted">
          Each lab runs on your own cluster, under live traffic. Nothing you do here can break anything else.
        </p>
        {error && <ErrorCard error={error} />}
        {data?.map((lab) => (
          <article key={lab.id} className="card lab-card">
            <FlaskConical size={28} aria-hidden className="lab-icon" />
            <div className="stack">
              <h2>{lab.title}</h2>
              <p>{lab.summary}</p>
              <ul>
                {lab.teaches.map((line) => (
                  <li key={line}>{line}</li>
                ))}
              </ul>
              <div className="row">
                <button type="button" className="button primary" onClick={() => openLab(lab.id)}>
                  {lab.stepsDone === 0 ? "Begin" : lab.stepsDone === lab.steps ? "Open again" : "Go on"}
                </button>
                <span className="badge">
                  <Clock size={12} aria-hidden /> {lab.minutes} min
                </span>
                <span className="badge">
                  <progress value={lab.stepsDone} max={lab.steps} aria-hidden />
                  {lab.stepsDone} of {lab.steps} steps done
                </span>
              </div>
            </div>
          </article>
        ))}
      </div>
    </div>
  );
}
