import { CircleCheck, CircleDashed, CircleX, LoaderCircle } from "lucide-react";
import type { CheckView } from "#api/rpc/lab-view.ts";

const icons = {
  waiting: { Icon: CircleDashed, className: "muted", text: "not measured yet" },
  measuring: { Icon: LoaderCircle, className: "spin", text: "measuring" },
  passed: { Icon: CircleCheck, className: "good", text: "holds" },
  failed: { Icon: CircleX, className: "bad", text: "does not hold" },
} as const;

/** What must hold, and what was measured. */
export function Checks({ checks }: { readonly checks: readonly CheckView[] }) {
  return (
    <ul className="checks" aria-live="polite">
      {checks.map((check) => {
        const { Icon, className, text } = icons[check.state];
        return (
          <li key={check.id} className={`check ${check.state}`}>
            <Icon size={18} className={className} aria-label={text} />
            <div>
              <div>{check.title}</div>
              {check.state === "measuring" && <progress value={check.progress} max={1} />}
              {check.observed && <div className="muted">{check.observed}</div>}
              {check.advice && <div className="check-advice">{check.advice}</div>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
