import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { Terminal } from "@xterm/xterm";
import { useEffect, useRef, useState } from "react";
import type { TerminalTarget } from "#api/rpc/terminal.ts";
import { HostError } from "../../../bridge/client.ts";
import { useHost } from "../../../bridge/hooks.ts";
import "@xterm/xterm/css/xterm.css";

/** One xterm over one shell of the host. Closing the view closes the shell; Ctrl+Shift+F searches what was written. */
export default function TerminalView({
  target,
  visible,
}: {
  readonly target: TerminalTarget;
  readonly visible: boolean;
}) {
  const host = useHost();
  const parent = useRef<HTMLDivElement>(null);
  const fit = useRef<FitAddon>(undefined);
  const search = useRef<SearchAddon>(undefined);
  const terminalRef = useRef<Terminal>(undefined);
  const [searching, setSearching] = useState(false);
  const key = JSON.stringify(target);
  useEffect(() => {
    const element = parent.current;
    if (element === null) return;
    const terminal = new Terminal({
      fontFamily: "ui-monospace, 'DejaVu Sans Mono', monospace",
      fontSize: 13,
      scrollback: 5000,
      theme: { background: "#12161c", foreground: "#e8edf3" },
    });
    const fitting = new FitAddon();
    terminal.loadAddon(fitting);
    terminal.loadAddon(new WebLinksAddon());
    const searchAddon = new SearchAddon();
    terminal.loadAddon(searchAddon);
    search.current = searchAddon;
    terminalRef.current = terminal;
    terminal.attachCustomKeyEventHandler((event) => {
      if (event.type !== "keydown" || !event.ctrlKey || !event.shiftKey || event.code !== "KeyF") return true;
      event.preventDefault();
      setSearching(true);
      return false;
    });
    terminal.open(element);
    fitting.fit();
    fit.current = fitting;
    let id: string | undefined;
    let closed = false;
    let stop: (() => void) | undefined;
    const ignore = (): void => {}; // the stream's end tells what happened
    host
      .call("terminal.open", { target: JSON.parse(key) as TerminalTarget, columns: terminal.cols, rows: terminal.rows })
      .then(({ terminal: opened }) => {
        id = opened;
        if (closed) return void host.call("terminal.close", { terminal: opened }).catch(ignore);
        stop = host.stream(
          "terminal.output",
          { terminal: opened },
          {
            onEvents: (events) => {
              for (const event of events)
                terminal.write(event.type === "data" ? event.data : `\r\n\x1b[2m${event.message}\x1b[0m\r\n`);
            },
          },
        );
        terminal.onData((data) => void host.call("terminal.input", { terminal: opened, data }).catch(ignore));
        terminal.onResize(
          ({ cols, rows }) =>
            void host.call("terminal.resize", { terminal: opened, columns: cols, rows }).catch(ignore),
        );
        terminal.focus();
      })
      .catch((error: unknown) => {
        terminal.write(`\x1b[31m${error instanceof HostError ? error.message : String(error)}\x1b[0m\r\n`);
      });
    const observer = new ResizeObserver(() => element.clientHeight > 0 && fitting.fit());
    observer.observe(element);
    return () => {
      closed = true;
      observer.disconnect();
      stop?.();
      if (id !== undefined) void host.call("terminal.close", { terminal: id }).catch(ignore);
      terminal.dispose();
    };
  }, [host, key]);
  useEffect(() => {
    if (visible) fit.current?.fit();
  }, [visible]);
  return (
    <div className="terminal-frame">
      {searching && (
        <input
          className="input terminal-search"
          aria-label="Search in the terminal"
          placeholder="Search; Enter for the next, Shift+Enter for the one before"
          // biome-ignore lint/a11y/noAutofocus: it appears because somebody asked for it
          autoFocus
          onKeyDown={(event) => {
            if (event.key === "Escape") {
              setSearching(false);
              terminalRef.current?.focus();
            } else if (event.key === "Enter" && event.shiftKey) search.current?.findPrevious(event.currentTarget.value);
            else if (event.key === "Enter") search.current?.findNext(event.currentTarget.value);
          }}
        />
      )}
      <div ref={parent} className="terminal-view" />
    </div>
  );
}
