import type { ErrorReport } from "../errors.ts";
import type { CallName, StreamName } from "./contract.ts";

/**
 * What travels, as JSON, over a WebSocket (browser, command line) or Electron's IPC. `id` is chosen by the client and unique
 * per connection. Events of one stream are batched: at most one message per stream and turn.
 */
export type ClientMessage =
  | { readonly type: "call"; readonly id: number; readonly name: CallName; readonly params: unknown }
  | { readonly type: "open"; readonly id: number; readonly name: StreamName; readonly params: unknown }
  | { readonly type: "close"; readonly id: number };

export type HostMessage =
  | { readonly type: "result"; readonly id: number; readonly result: unknown }
  | { readonly type: "error"; readonly id: number; readonly error: ErrorReport }
  | { readonly type: "events"; readonly id: number; readonly events: readonly unknown[] }
  /** The stream ended by itself; with an error if it failed. */
  | { readonly type: "end"; readonly id: number; readonly error: ErrorReport | undefined };
