import type { Client, Metadata } from "@grpc/grpc-js";
import type { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { Status } from "#gen/xds/google/rpc/status.ts";
import type { AnyTypeState } from "./type-state.ts";

/** One aggregated stream to a control plane, in either protocol. */
export interface AdsStream {
  /** Tells the server that other names are wanted now. */
  subscribe(
    state: AnyTypeState,
    change: { readonly added: readonly string[]; readonly removed: readonly string[] },
  ): void;
  close(): void;
}

export interface StreamOptions {
  readonly client: Client;
  readonly metadata: Metadata;
  readonly node: Node;
  readonly states: ReadonlyMap<string, AnyTypeState>;
  /** The first response came: the connection works. */
  readonly onResponse: () => void;
  /** Called once. */
  readonly onEnd: (error: Error | undefined) => void;
}

/** google.rpc.Code INVALID_ARGUMENT, as Envoy refuses with. */
const INVALID_ARGUMENT = 3;

/** The status that goes with a refusal; servers show its message to people. */
export const refusal = (problem: string): Status => ({ code: INVALID_ARGUMENT, message: problem, details: [] });

/** Whether there is anything to ask for yet. */
export const isWanted = (state: AnyTypeState): boolean => state.wanted === undefined || state.wanted.size > 0;
