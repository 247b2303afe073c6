import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { RequestShape, TrafficSettings } from "#api/lab.ts";
import { headersOf, textOf } from "../headers.ts";

const methods = ["GET", "POST", "PUT", "DELETE", "HEAD"] as const;

export interface RequestShapesProps {
  readonly settings: TrafficSettings;
  readonly onApply: (requests: readonly RequestShape[]) => void;
}

/** What the generator sends: method, path, headers and how often each, changed together by one click. */
export function RequestShapes({ settings, onApply }: RequestShapesProps) {
  const [rows, setRows] = useState<readonly RequestShape[]>(settings.requests);
  const change = (index: number, part: Partial<RequestShape>): void =>
    setRows(rows.map((row, at) => (at === index ? { ...row, ...part } : row)));
  const valid = rows.length > 0 && rows.every((row) => row.path.startsWith("/") && row.weight > 0);
  return (
    <div className="request-shapes stack">
      {rows.map((row, index) => (
        <div key={row.tag} className="row">
          <select
            className="input"
            aria-label="Method"
            value={row.method}
            onChange={(event) => change(index, { method: methods.find((one) => one === event.target.value) ?? "GET" })}
          >
            {methods.map((method) => (
              <option key={method}>{method}</option>
            ))}
          </select>
          <input
            className="input mono"
            aria-label="Path"
            value={row.path}
            aria-invalid={!row.path.startsWith("/")}
            onChange={(event) => change(index, { path: event.target.value })}
          />
          <input
            className="input mono"
            style={{ flex: 1 }}
            aria-label="Headers"
            placeholder="x-tester: yes, …"
            defaultValue={textOf(row.headers)}
            onBlur={(event) => change(index, { headers: headersOf(event.target.value) })}
          />
          <label className="row muted">
            weight
            <input
              type="number"
              className="input"
              style={{ width: 64 }}
              min={1}
              value={row.weight}
              onChange={(event) => change(index, { weight: Number(event.target.value) })}
            />
          </label>
          <button
            type="button"
            className="button quiet icon"
            aria-label="Remove"
            onClick={() => setRows(rows.filter((_, at) => at !== index))}
          >
            <Trash2 size={14} aria-hidden />
          </button>
        </div>
      ))}
      <div className="row">
        <button
          type="button"
          className="button quiet"
          onClick={() => setRows([...rows, { tag: freshTag(rows), method: "GET", path: "/", headers: {}, weight: 1 }])}
        >
          <Plus size={14} aria-hidden /> Request
        </button>
        <button type="button" className="button primary" disabled={!valid} onClick={() => onApply(rows)}>
          Send these
        </button>
        {!valid && <span className="warn">Paths begin with “/”, and there is at least one request.</span>}
      </div>
    </div>
  );
}

function freshTag(rows: readonly RequestShape[]): string {
  let number = rows.length + 1;
  while (rows.some((row) => row.tag === `own-${number}`)) number++;
  return `own-${number}`;
}
