import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { ErrorReport } from "#api/errors.ts";
import type { CallName, Calls, StreamName, Streams } from "#api/rpc/contract.ts";
import { type Connection, type HostClient, HostError } from "./client.ts";

const HostContext = createContext<HostClient | undefined>(undefined);
export const HostProvider = HostContext.Provider;

export function useHost(): HostClient {
  const host = useContext(HostContext);
  if (host === undefined) throw new Error("no host above this component");
  return host;
}

export function useConnection(): Connection {
  const host = useHost();
  return useSyncExternalStore(
    useCallback((watcher) => host.onConnection(watcher), [host]),
    () => host.connection,
  );
}

/** The newest event of a stream; undefined until the first. The parameters are compared by value. */
export function useLatest<Name extends StreamName>(
  name: Name,
  params: Streams[Name]["params"],
): Streams[Name]["event"] | undefined {
  const [latest, setLatest] = useState<Streams[Name]["event"]>();
  useStream(name, params, (events) => setLatest(events.at(-1)));
  return latest;
}

/** Calls back with every batch of events while the component is there. */
export function useStream<Name extends StreamName>(
  name: Name,
  params: Streams[Name]["params"],
  onEvents: (events: readonly Streams[Name]["event"][]) => void,
  onEnd?: (error: ErrorReport | undefined) => void,
): void {
  const host = useHost();
  const listener = useRef({ onEvents, onEnd });
  listener.current = { onEvents, onEnd };
  const key = JSON.stringify(params);
  useEffect(
    () =>
      host.stream(name, JSON.parse(key) as Streams[Name]["params"], {
        onEvents: (events) => listener.current.onEvents(events),
        onEnd: (error) => listener.current.onEnd?.(error),
      }),
    [host, name, key],
  );
}

export interface Action<Name extends CallName> {
  /** Resolves to undefined after a failure, which is then in `error`. */
  run(params: Calls[Name]["params"]): Promise<Calls[Name]["result"] | undefined>;
  readonly busy: boolean;
  readonly error: ErrorReport | undefined;
  clear(): void;
}

/** A call behind a button: whether it runs, and what went wrong. */
export function useAction<Name extends CallName>(name: Name): Action<Name> {
  const host = useHost();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorReport>();
  const run = useCallback(
    async (params: Calls[Name]["params"]) => {
      setBusy(true);
      setError(undefined);
      try {
        return await host.call(name, params);
      } catch (caught) {
        setError(caught instanceof HostError ? caught.report : { code: "INTERNAL", message: String(caught) });
        return undefined;
      } finally {
        setBusy(false);
      }
    },
    [host, name],
  );
  return { run, busy, error, clear: useCallback(() => setError(undefined), []) };
}

/** The result of a call that is made when the component appears and when the parameters change. */
export function useQuery<Name extends CallName>(
  name: Name,
  params: Calls[Name]["params"],
): { readonly data: Calls[Name]["result"] | undefined; readonly error: ErrorReport | undefined; reload(): void } {
  const { run, error } = useAction(name);
  const [data, setData] = useState<Calls[Name]["result"]>();
  const connection = useConnection();
  const key = JSON.stringify(params);
  const reload = useCallback(
    () => void run(JSON.parse(key) as Calls[Name]["params"]).then((result) => result !== undefined && setData(result)),
    [run, key],
  );
  useEffect(() => {
    if (connection.state === "open") reload();
  }, [connection.state, reload]);
  return { data, error, reload };
}
