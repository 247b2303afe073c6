import { Copy } from "lucide-react";
import type { ReactNode } from "react";
import type { ErrorReport } from "#api/errors.ts";

/** What happened, what to do, and the details to copy. */
export function ErrorCard({ error, children }: { readonly error: ErrorReport; readonly children?: ReactNode }) {
  const text = [`${error.code}: ${error.message}`, error.hint, error.detail].filter(Boolean).join("\n");
  return (
    <div className="error-card stack" role="alert">
      <div>
        <strong>{error.message}</strong>
        {error.hint && <p style={{ whiteSpace: "pre-wrap" }}>{error.hint}</p>}
      </div>
      {error.detail && (
        <details>
          <summary className="muted">Details ({error.code})</summary>
          <pre>{error.detail}</pre>
        </details>
      )}
      <div className="row">
        {children}
        <button type="button" className="button quiet" onClick={() => void navigator.clipboard.writeText(text)}>
          <Copy size={14} aria-hidden /> Copy
        </button>
      </div>
    </div>
  );
}
