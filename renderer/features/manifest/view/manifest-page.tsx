import { useState } from "react";
import type { ApplyResult } from "#api/rpc/manifest.ts";
import { useAction } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { ManifestEditor } from "./manifest-editor.tsx";

/** Any manifest: check it, see what would change, apply it. */
export default function ManifestPage() {
  const [yaml, setYaml] = useState("");
  const [result, setResult] = useState<ApplyResult>();
  const apply = useAction("manifest.apply");
  return (
    <div className="page stack">
      <h1>Manifests</h1>
      <p className="muted">
        Paste any manifest, of Kubernetes or Istio. It is checked against the cluster while you type, and nothing
        changes until you apply it.
      </p>
      <ManifestEditor
        name="manifest.yaml"
        yaml={yaml}
        onChange={(text) => {
          setYaml(text);
          setResult(undefined);
        }}
        onApply={async (text) => setResult(await apply.run({ yaml: text }))}
        busy={apply.busy}
        result={result}
      />
      {apply.error && <ErrorCard error={apply.error} />}
    </div>
  );
}
