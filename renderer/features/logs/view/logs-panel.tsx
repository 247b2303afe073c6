import { useEffect, useRef, useState } from "react";
import { useStream } from "../../../bridge/hooks.ts";
import { Empty } from "../../../ui/empty.tsx";
import { ContainerPicker, type PickedContainer } from "./container-picker.tsx";
import "./logs.css";

const TAIL = 300;
const MAX_LINES = 5000;

/** Follows the log of one container. */
export function LogsPanel() {
  const [container, setContainer] = useState<PickedContainer>();
  const [filter, setFilter] = useState("");
  return (
    <div className="logs">
      <div className="row" style={{ padding: "4px 12px" }}>
        <ContainerPicker label="Container" onPick={setContainer} />
        {container && <strong>{`${container.pod} · ${container.container}`}</strong>}
        <input
          className="input"
          placeholder="Only lines with …"
          aria-label="Filter"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      </div>
      {container === undefined ? (
        <Empty title="No log is open">Choose a container to follow its log.</Empty>
      ) : (
        <Log key={JSON.stringify(container)} container={container} filter={filter} />
      )}
    </div>
  );
}

function Log({ container, filter }: { readonly container: PickedContainer; readonly filter: string }) {
  const [lines, setLines] = useState<readonly string[]>([]);
  const [ended, setEnded] = useState(false);
  const parent = useRef<HTMLPreElement>(null);
  const atEnd = useRef(true);
  useStream("logs", { ...container, tailLines: TAIL }, (chunks) => {
    setLines((before) => [...before, ...chunks.flatMap((chunk) => chunk.lines)].slice(-MAX_LINES));
    setEnded(chunks.some((chunk) => chunk.ended));
  });
  const shown = filter === "" ? lines : lines.filter((line) => line.includes(filter));
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines scroll, if the reader is at the end
  useEffect(() => {
    if (atEnd.current && parent.current) parent.current.scrollTop = parent.current.scrollHeight;
  }, [shown.length]);
  return (
    <pre
      ref={parent}
      className="log"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 30;
      }}
    >
      {shown.join("\n")}
      {ended && <span className="muted">{"\n"}(the log has ended)</span>}
    </pre>
  );
}
