import { Dialog } from "@base-ui/react/dialog";
import { Plus } from "lucide-react";
import { useState } from "react";
import type { ProviderKind } from "#api/rpc/cluster.ts";
import { useAction } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { definitionOf, emptyCluster, type NewCluster, obstacleTo } from "../new-cluster.ts";
import { ContextFields, KindFields, NumberField, TextField } from "./new-cluster-fields.tsx";
import "./new-cluster.css";

const providers: readonly (readonly [ProviderKind, string, string])[] = [
  ["embedded", "Embedded", "A small Kubernetes in one process. Needs no Docker, is there in seconds."],
  ["kind", "kind", "Real Kubernetes in containers of Docker or Podman. Takes about a minute."],
  [
    "existing",
    "Existing",
    "A cluster of your kubeconfig. The mesh and the shop are put in, and nothing else is touched.",
  ],
];

/** Makes a cluster: chosen provider, its settings, then it starts and the labs go there. */
export function NewClusterButton() {
  const [open, setOpen] = useState(false);
  return (
    <Dialog.Root open={open} onOpenChange={setOpen}>
      <Dialog.Trigger className="button primary">
        <Plus size={14} aria-hidden /> New cluster
      </Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Backdrop className="dialog-backdrop" />
        <Dialog.Popup className="dialog card stack new-cluster">
          <Dialog.Title>New cluster</Dialog.Title>
          <Form onDone={() => setOpen(false)} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Form({ onDone }: { readonly onDone: () => void }) {
  const [cluster, setCluster] = useState<NewCluster>(emptyCluster);
  const change = (part: Partial<NewCluster>): void => setCluster((before) => ({ ...before, ...part }));
  const { make, busy, error } = useMaking(onDone);
  const obstacle = obstacleTo(cluster);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (obstacle === undefined) void make(cluster);
      }}
    >
      <fieldset className="providers">
        <legend className="visually-hidden">Provider</legend>
        {providers.map(([provider, title, text]) => (
          <label key={provider} className="card provider">
            <input
              type="radio"
              name="provider"
              value={provider}
              checked={cluster.provider === provider}
              onChange={() => change({ provider })}
            />
            <span>
              <strong>{title}</strong>
              <span className="muted">{text}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <TextField label="Name" value={cluster.name} onChange={(name) => change({ name })} />
      {cluster.provider === "existing" ? (
        <ContextFields cluster={cluster} change={change} />
      ) : (
        <NumberField label="Nodes" min={1} max={9} value={cluster.nodes} onChange={(nodes) => change({ nodes })} />
      )}
      {cluster.provider === "kind" && <KindFields cluster={cluster} change={change} />}
      {error && <ErrorCard error={error} />}
      <div className="row" style={{ justifyContent: "flex-end" }}>
        <span className="muted" style={{ flex: 1 }}>
          {cluster.name === "" ? "" : obstacle}
        </span>
        <Dialog.Close className="button">Cancel</Dialog.Close>
        <button type="submit" className="button primary" disabled={obstacle !== undefined || busy}>
          Create and start
        </button>
      </div>
    </form>
  );
}

function useMaking(onDone: () => void) {
  const create = useAction("cluster.create");
  const select = useAction("cluster.select");
  const start = useAction("cluster.start");
  const make = async (cluster: NewCluster): Promise<void> => {
    const { name } = cluster;
    if ((await create.run({ definition: definitionOf(cluster) })) === undefined) return;
    if ((await select.run({ name })) === undefined) return;
    if ((await start.run({ name })) !== undefined) onDone();
  };
  return {
    make,
    busy: create.busy || select.busy || start.busy,
    error: create.error ?? select.error ?? start.error,
  };
}
