import { useId } from "react";
import { useQuery } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import type { NewCluster } from "../new-cluster.ts";

interface FieldProps<Value> {
  readonly label: string;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
  readonly placeholder?: string;
}

export function TextField({ label, value, onChange, placeholder }: FieldProps<string>) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        value={value}
        placeholder={placeholder}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

export function NumberField({
  label,
  value,
  onChange,
  min,
  max,
}: FieldProps<number> & { readonly min: number; readonly max: number }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="number"
        className="input"
        min={min}
        max={max}
        value={value}
        onChange={(event) => onChange(Math.min(max, Math.max(min, Math.round(Number(event.target.value)) || min)))}
      />
    </div>
  );
}

interface PartProps {
  readonly cluster: NewCluster;
  readonly change: (part: Partial<NewCluster>) => void;
}

/** What is chosen by itself unless somebody says otherwise. */
export function KindFields({ cluster, change }: PartProps) {
  const patch = useId();
  return (
    <details>
      <summary>Version, image, ports, limits</summary>
      <div className="stack fields">
        <TextField
          label="Kubernetes"
          placeholder="as the node image has it, or such as 1.36.3"
          value={cluster.kubernetesVersion}
          onChange={(kubernetesVersion) => change({ kubernetesVersion })}
        />
        <TextField
          label="Node image"
          placeholder="one prepared on this engine, else kind's own"
          value={cluster.nodeImage}
          onChange={(nodeImage) => change({ nodeImage })}
        />
        <TextField
          label="Ports"
          placeholder="of this machine to a node's, such as 8080:30080"
          value={cluster.ports}
          onChange={(ports) => change({ ports })}
        />
        <TextField
          label="Memory per node"
          placeholder="megabytes; no limit"
          value={cluster.memoryMb}
          onChange={(memoryMb) => change({ memoryMb })}
        />
        <TextField
          label="Processors per node"
          placeholder="no limit"
          value={cluster.cpus}
          onChange={(cpus) => change({ cpus })}
        />
        <div className="field">
          <label htmlFor={patch}>kind configuration</label>
          <textarea
            id={patch}
            className="input mono"
            rows={3}
            placeholder="YAML that is laid over the one made here"
            value={cluster.configPatch}
            onChange={(event) => change({ configPatch: event.target.value })}
          />
        </div>
      </div>
    </details>
  );
}

/** Which cluster of which kubeconfig. */
export function ContextFields({ cluster, change }: PartProps) {
  const { kubeconfig } = cluster;
  const id = useId();
  const { data, error } = useQuery("cluster.contexts", kubeconfig === "" ? {} : { kubeconfig });
  return (
    <>
      <TextField
        label="Kubeconfig"
        placeholder="KUBECONFIG or ~/.kube/config"
        value={kubeconfig}
        onChange={(path) => change({ kubeconfig: path, context: "" })}
      />
      <div className="field">
        <label htmlFor={id}>Context</label>
        <select
          id={id}
          className="input"
          value={cluster.context}
          onChange={(event) => change({ context: event.target.value })}
        >
          <option value="">{data?.contexts.length === 0 ? "no context in there" : "choose …"}</option>
          {data?.contexts.map((context) => (
            <option key={context}>{context}</option>
          ))}
        </select>
      </div>
      <label className="row">
        <input
          type="checkbox"
          checked={cluster.takeOver}
          onChange={(event) => change({ takeOver: event.target.checked })}
        />
        Take the place of another mesh that is there
      </label>
      {error && <ErrorCard error={error} />}
    </>
  );
}
