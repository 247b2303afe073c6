import { RefreshCw } from "lucide-react";
import { useMemo, useState } from "react";
import type { ProxyConfigPart } from "#api/rpc/contract.ts";
import { useQuery } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { type ConfigResource, resourcesOf } from "../model.ts";
import "./proxies.css";

export interface ProxyConfigProps {
  readonly namespace: string;
  readonly pod: string;
  readonly part: ProxyConfigPart;
}

/** What a proxy works with, resource by resource: those whose text has what is searched for. */
export function ProxyConfig({ namespace, pod, part }: ProxyConfigProps) {
  const { data, error, reload } = useQuery("proxy.config", { namespace, pod, part });
  const [search, setSearch] = useState("");
  const resources = useMemo(() => (data === undefined ? [] : resourcesOf(data.json)), [data]);
  if (error) return <ErrorCard error={error} />;
  if (data === undefined) return <p className="muted">Reading …</p>;
  const shown = resources.filter(({ text }) => text.includes(search));
  return (
    <div className="stack">
      <div className="row">
        <input
          className="input"
          placeholder="Search, such as cart or v2"
          aria-label="Search"
          value={search}
          onChange={(event) => setSearch(event.target.value)}
        />
        <span className="muted">
          {shown.length} of {resources.length}
        </span>
        <button type="button" className="button quiet" onClick={reload}>
          <RefreshCw size={13} aria-hidden /> Read again
        </button>
      </div>
      <div className="card table-card">
        {shown.map((resource, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names may repeat, and the order is the dump's
          <Resource key={`${index}/${resource.name}`} resource={resource} initiallyOpen={shown.length === 1} />
        ))}
      </div>
    </div>
  );
}

interface ResourceProps {
  readonly resource: ConfigResource;
  readonly initiallyOpen: boolean;
}

function Resource({ resource: { name, text }, initiallyOpen }: ResourceProps) {
  const [open, setOpen] = useState(initiallyOpen);
  return (
    <details className="resource" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="mono">{name}</summary>
      {open && <pre>{text}</pre>}
    </details>
  );
}
