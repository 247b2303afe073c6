import { GitCompare, Play } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import type { Problem } from "#api/problem.ts";
import type { ApplyResult, ManifestCheck } from "#api/rpc/manifest.ts";
import { useAction } from "../../../bridge/hooks.ts";
import "./manifest.css";

const LiveDifference = lazy(() => import("./live-difference.tsx"));
const CodeEditor = lazy(() => import("./code-editor.tsx"));
const CHECK_AFTER_MS = 400;

export interface ManifestEditorProps {
  readonly name: string;
  readonly yaml: string;
  readonly onChange: (yaml: string) => void;
  readonly onApply: (yaml: string) => Promise<void>;
  readonly busy: boolean;
  readonly result: ApplyResult | undefined;
}

/** A manifest to edit: what is wrong at its line while one types, what an apply would change, and the apply. */
export function ManifestEditor({ name, yaml, onChange, onApply, busy, result }: ManifestEditorProps) {
  const { run } = useAction("manifest.check");
  const [checked, setChecked] = useState<ManifestCheck>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: after an apply there is something else to change
  useEffect(() => {
    const timer = setTimeout(
      () => void run({ yaml }).then((check) => check !== undefined && setChecked(check)),
      CHECK_AFTER_MS,
    );
    return () => clearTimeout(timer);
  }, [yaml, run, result]);
  const [comparing, setComparing] = useState(false);
  const changed = checked?.changes.filter((change) => change.action === "change") ?? [];
  const problems = result?.problems.length ? result.problems : (checked?.problems ?? []);
  return (
    <div className="manifest">
      <div className="manifest-head">
        <span className="mono">{name}</span>
        <span className="muted" title={changesText(checked)}>
          {changesText(checked)}
        </span>
        {changed.length > 0 && (
          <button
            type="button"
            className="button quiet"
            aria-pressed={comparing}
            onClick={() => setComparing(!comparing)}
          >
            <GitCompare size={14} aria-hidden /> Difference
          </button>
        )}
        <button
          type="button"
          className="button primary"
          disabled={busy || yaml.trim() === ""}
          onClick={() => void onApply(yaml)}
          title="Ctrl+Enter"
        >
          <Play size={14} aria-hidden /> {busy ? "Applying …" : "Apply"}
        </button>
      </div>
      <Suspense fallback={<pre className="manifest-loading">{yaml}</pre>}>
        <CodeEditor value={yaml} problems={problems} onChange={onChange} onSubmit={(text) => void onApply(text)} />
      </Suspense>
      <Problems problems={problems} />
      {comparing && (
        <Suspense fallback={null}>
          {changed.map(({ object }) => (
            <LiveDifference key={JSON.stringify(object)} object={object} yaml={yaml} />
          ))}
        </Suspense>
      )}
      {result && result.problems.length === 0 && (
        <p className="manifest-applied good" role="status">
          {result.applied.map(({ object, action }) => `${object.kind} ${object.name} ${action}`).join(" · ")}
        </p>
      )}
    </div>
  );
}

function changesText(check: ManifestCheck | undefined): string {
  if (check === undefined || check.problems.length > 0) return "";
  const changes = check.changes.filter((change) => change.action !== "none");
  if (changes.length === 0) return "nothing to change";
  return changes.map(({ object, action }) => `${action} ${object.kind} ${object.name}`).join(", ");
}

function Problems({ problems }: { readonly problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="manifest-problems" role="alert">
      {problems.map((problem) => (
        <li
          key={`${problem.line}:${problem.column}:${problem.message}`}
          className={problem.severity === "error" ? "bad" : "warn"}
        >
          {problem.line !== undefined && <span className="mono">line {problem.line}: </span>}
          {problem.message}
        </li>
      ))}
    </ul>
  );
}
