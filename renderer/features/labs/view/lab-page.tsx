import { ArrowLeft, ArrowRight, Check, Lightbulb, PartyPopper, RotateCcw } from "lucide-react";
import { useEffect, useState } from "react";
import Markdown from "react-markdown";
import remarkGfm from "remark-gfm";
import type { LabStepView, LabView } from "#api/rpc/lab-view.ts";
import { useAction, useLatest } from "../../../bridge/hooks.ts";
import { ConfirmButton } from "../../../ui/confirm-button.tsx";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { LiveCharts } from "../../charts/view/live-charts.tsx";
import { openLab } from "../../frame/model.ts";
import { ManifestEditor } from "../../manifest/view/manifest-editor.tsx";
import { TopologyView } from "../../topology/view/topology-view.tsx";
import { TrafficControls } from "../../traffic/view/traffic-controls.tsx";
import { Checks } from "./checks.tsx";

/** A lab: its steps on the left, what they do to the mesh on the right. */
export default function LabPage({ lab }: { readonly lab: string }) {
  const { run: open, error } = useAction("labs.open");
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    void open({ lab, language: "en" }).then((view) => setOpened(view !== undefined));
  }, [open, lab]);
  if (error) {
    return (
      <div className="page">
        <ErrorCard error={error}>
          <button
            type="button"
            className="button"
            onClick={() => void open({ lab, language: "en" }).then((view) => setOpened(view !== undefined))}
          >
            Try again
          </button>
        </ErrorCard>
      </div>
    );
  }
  return opened ? <OpenLab lab={lab} /> : <div className="page muted">Preparing the lab …</div>;
}

function OpenLab({ lab }: { readonly lab: string }) {
  const view = useLatest("labs.view", { lab, language: "en" });
  if (view === undefined) return <div className="page muted">Preparing the lab …</div>;
  return (
    <div className="lab">
      <LabSteps view={view} />
      <div className="lab-live">
        <section className="card lab-topology" aria-label="The mesh, live">
          <TopologyView />
        </section>
        <section className="card lab-charts" aria-label="Charts">
          <LiveCharts initial={view.charts} />
        </section>
        <TrafficControls />
      </div>
    </div>
  );
}

function LabSteps({ view }: { readonly view: LabView }) {
  const go = useAction("labs.goto");
  const reset = useAction("labs.reset");
  const index = view.steps.findIndex((step) => step.id === view.current);
  const step = view.steps[index];
  if (step === undefined) return null;
  const next = view.steps[index + 1];
  const previous = view.steps[index - 1];
  return (
    <div className="lab-steps">
      <div className="row spread">
        <button type="button" className="button quiet" onClick={() => openLab(undefined)}>
          <ArrowLeft size={15} aria-hidden /> All labs
        </button>
        <ConfirmButton
          className="button quiet"
          title="Start this lab again?"
          text="Everything that the lab applied to the cluster is removed, and your progress in it is forgotten."
          action="Start again"
          onConfirm={() => void reset.run({ lab: view.id })}
          disabled={reset.busy}
        >
          <RotateCcw size={14} aria-hidden /> Reset
        </ConfirmButton>
      </div>
      <ol className="lab-progress" aria-label="Steps">
        {view.steps.map((one, number) => (
          <li key={one.id}>
            <button
              type="button"
              className={`lab-pip ${one.state}`}
              aria-current={one.id === view.current ? "step" : undefined}
              disabled={one.state === "locked"}
              title={one.title}
              onClick={() => void go.run({ lab: view.id, step: one.id })}
            >
              {one.state === "done" ? <Check size={13} aria-label="done" /> : number + 1}
            </button>
          </li>
        ))}
      </ol>
      <div className="scroll stack lab-text">
        <p className="muted">
          {index + 1} of {view.steps.length}
        </p>
        <h1>{step.title}</h1>
        <div className="markdown">
          <Markdown remarkPlugins={[remarkGfm]}>{step.text}</Markdown>
        </div>
        {(go.error ?? reset.error ?? view.error) && <ErrorCard error={(go.error ?? reset.error ?? view.error)!} />}
        <StepWork key={step.id} lab={view.id} step={step} />
        <div className="row spread">
          <button
            type="button"
            className="button"
            disabled={previous === undefined}
            onClick={() => previous && void go.run({ lab: view.id, step: previous.id })}
          >
            Back
          </button>
          {step.state === "done" &&
            (next === undefined ? (
              <strong className="good">You have finished this lab.</strong>
            ) : (
              <button
                type="button"
                className="button primary"
                onClick={() => void go.run({ lab: view.id, step: next.id })}
              >
                Next: {next.title} <ArrowRight size={15} aria-hidden />
              </button>
            ))}
        </div>
      </div>
    </div>
  );
}

function StepWork({ lab, step }: { readonly lab: string; readonly step: LabStepView }) {
  const [yaml, setYaml] = useState(step.manifest?.yaml ?? "");
  const [hints, setHints] = useState(0);
  const apply = useAction("labs.apply");
  const check = useAction("labs.check");
  const solution = useAction("labs.solution");
  const [problems, setProblems] = useState<Awaited<ReturnType<typeof apply.run>>>();
  const submit = async (text: string): Promise<void> => {
    setYaml(text);
    setProblems(await apply.run({ lab, step: step.id, yaml: text }));
  };
  const solve = async (): Promise<void> => {
    const result = await solution.run({ lab, step: step.id });
    if (result !== undefined) await submit(result.yaml);
  };
  const measuring = step.checks.some((one) => one.state === "measuring");
  return (
    <>
      {step.manifest && (
        <ManifestEditor
          name={step.manifest.name.replace(/^manifests\//, "")}
          yaml={yaml}
          onChange={setYaml}
          onApply={submit}
          busy={apply.busy}
          result={problems}
        />
      )}
      {(apply.error ?? check.error ?? solution.error) && (
        <ErrorCard error={(apply.error ?? check.error ?? solution.error)!} />
      )}
      <Checks checks={step.checks} />
      {step.state === "done" && (
        <p className="step-done row" role="status">
          <PartyPopper size={16} aria-hidden /> Done: everything that was measured holds.
        </p>
      )}
      {step.hints.slice(0, hints).map((hint) => (
        <div key={hint} className="hint markdown">
          <Lightbulb size={15} aria-hidden />
          <Markdown>{hint}</Markdown>
        </div>
      ))}
      <div className="row">
        <button
          type="button"
          className="button"
          onClick={() => void check.run({ lab, step: step.id })}
          disabled={measuring}
        >
          Check again
        </button>
        {hints < step.hints.length && (
          <button type="button" className="button quiet" onClick={() => setHints(hints + 1)}>
            <Lightbulb size={14} aria-hidden /> Hint
          </button>
        )}
        <ConfirmButton
          className="button quiet"
          title="Show and apply the solution?"
          text="You learn more by trying: the hints help. The solution replaces the text in the editor and is applied."
          action="Solve it for me"
          onConfirm={() => void solve()}
        >
          Solve it for me
        </ConfirmButton>
      </div>
    </>
  );
}
