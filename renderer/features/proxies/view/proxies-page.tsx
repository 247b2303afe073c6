import { useState } from "react";
import type { ProxyConfigPart } from "#api/rpc/contract.ts";
import type { ProxySync } from "#api/rpc/telemetry.ts";
import { useLatest } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { Certificates } from "./certificates.tsx";
import { ProxyConfig } from "./proxy-config.tsx";

const parts: readonly ProxyConfigPart[] = ["listeners", "routes", "clusters", "endpoints", "secrets", "bootstrap"];
const types = ["CDS", "LDS", "EDS", "RDS"] as const;

/** Which proxy has taken over which configuration, and what that configuration is. */
export function ProxiesPage() {
  const mesh = useLatest("mesh.status", {});
  const [selected, setSelected] = useState<ProxySync>();
  const [part, setPart] = useState<ProxyConfigPart>("routes");
  const [view, setView] = useState<"configuration" | "certificates">("configuration");
  if (mesh === undefined || mesh.proxies.length === 0) {
    return (
      <Empty title="No proxies yet">
        Pods whose namespace has the label istio-injection=enabled get one; gateways are proxies too.
      </Empty>
    );
  }
  return (
    <div className="page stack">
      <div className="row">
        <h1>Proxies</h1>
        {(["configuration", "certificates"] as const).map((one) => (
          <button
            key={one}
            type="button"
            className={`button ${one === view ? "primary" : ""}`}
            aria-pressed={one === view}
            onClick={() => setView(one)}
          >
            {one}
          </button>
        ))}
      </div>
      {view === "certificates" && <Certificates />}
      <div className="card" style={{ padding: 0 }} hidden={view !== "configuration"}>
        <table className="table">
          <thead>
            <tr>
              <th>Proxy</th>
              <th>Role</th>
              {types.map((type) => (
                <th key={type}>{type}</th>
              ))}
              <th>Version</th>
            </tr>
          </thead>
          <tbody>
            {mesh.proxies.map((proxy) => (
              <tr key={proxy.id}>
                <td>
                  <button
                    type="button"
                    className="button quiet"
                    style={{ padding: 0 }}
                    aria-pressed={selected?.id === proxy.id}
                    onClick={() => setSelected(proxy)}
                  >
                    {proxy.id}
                  </button>
                  {proxy.rejected && <div className="bad">refused: {proxy.rejected}</div>}
                </td>
                <td>{proxy.role}</td>
                {types.map((type) => (
                  <td
                    key={type}
                    className={
                      proxy.types[type] === "SYNCED" ? "good" : proxy.types[type] === "NOT SENT" ? "muted" : "bad"
                    }
                  >
                    {proxy.types[type].toLowerCase()}
                  </td>
                ))}
                <td className="muted">{proxy.version}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {view === "configuration" && selected && (
        <>
          <div className="row">
            <h2>{selected.id}</h2>
            {parts.map((one) => (
              <button
                key={one}
                type="button"
                className={`button ${one === part ? "primary" : ""}`}
                onClick={() => setPart(one)}
              >
                {one}
              </button>
            ))}
          </div>
          <ProxyConfig key={`${selected.id}/${part}`} namespace={selected.namespace} pod={selected.pod} part={part} />
        </>
      )}
    </div>
  );
}
