import { RefreshCw } from "lucide-react";
import { useState } from "react";
import { useStore } from "zustand";
import type { ObjectReference } from "#api/kinds/object.ts";
import type { ApplyResult } from "#api/rpc/manifest.ts";
import { useAction, useQuery } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { manifestStore } from "../model.ts";
import { ManifestEditor } from "./manifest-editor.tsx";
import "./manifest.css";

/** One object of the cluster, to read and to change, beside any page. */
export function LiveManifest() {
  const object = useStore(manifestStore, (state) => state.object);
  if (object === undefined) {
    return (
      <Empty title="No manifest is open">
        A request's “decided by” and the differences of the editor open the object of the cluster here.
      </Empty>
    );
  }
  return <OpenManifest key={JSON.stringify(object)} object={object} />;
}

function OpenManifest({ object }: { readonly object: ObjectReference }) {
  const { data, error, reload } = useQuery("manifest.live", object);
  const [text, setText] = useState<string>();
  const [result, setResult] = useState<ApplyResult>();
  const apply = useAction("manifest.apply");
  if (error) return <ErrorCard error={error} />;
  if (data === undefined) return <p className="manifest-note muted">Reading …</p>;
  if (data.yaml === undefined || data.yaml === null) {
    return (
      <Empty title={`${object.kind} ${object.name} is not in the cluster`}>It may have been deleted meanwhile.</Empty>
    );
  }
  return (
    <div className="live-manifest stack">
      <div className="row">
        <span className="muted">as it is in the cluster</span>
        <button
          type="button"
          className="button quiet"
          onClick={() => {
            setText(undefined);
            setResult(undefined);
            reload();
          }}
        >
          <RefreshCw size={13} aria-hidden /> Read again
        </button>
      </div>
      <ManifestEditor
        name={`${object.kind} ${object.namespace ?? ""}/${object.name}`}
        yaml={text ?? data.yaml}
        onChange={(yaml) => {
          setText(yaml);
          setResult(undefined);
        }}
        onApply={async (yaml) => setResult(await apply.run({ yaml }))}
        busy={apply.busy}
        result={result}
      />
      {apply.error && <ErrorCard error={apply.error} />}
    </div>
  );
}
