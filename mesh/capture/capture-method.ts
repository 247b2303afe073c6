import type { Socket } from "node:net";
import type { NetworkNamespace } from "./namespaces.ts";
import type { OriginalDestination } from "./original-destination.ts";

/** A pod whose traffic is captured, or is to be. */
export interface CaptureTarget {
  readonly network: NetworkNamespace;
  readonly address: string;
}

export interface CaptureTargetOptions {
  /** Whether DNS questions are led to the proxy too. */
  readonly dns: boolean;
  /** Descriptor of the proxy's listener for what arrives without a tunnel. */
  readonly listener: number;
}

/** How pods' traffic gets to the node's proxy, which listens inside their networks. All that is asynchronous rejects with CaptureError. */
export interface CaptureMethod {
  readonly name: "iptables" | "ebpf";
  /** Leads new connections to the proxy. May be repeated, also with other options. */
  capture(target: CaptureTarget, options: CaptureTargetOptions): Promise<void>;
  /** New connections go where they want to; those that the proxy carries go on. */
  release(target: CaptureTarget): Promise<void>;
  /** Nothing of ours stays in the network. For when no connection is left. */
  clean(target: CaptureTarget): Promise<void>;
  /** The network is gone. */
  forget(target: CaptureTarget): void;
  /** Where a connection that the proxy accepted wanted to go; undefined for one that was not led here. */
  originalDestination(target: CaptureTarget, socket: Socket): OriginalDestination | undefined;
  /** An unconnected socket for calling the pod's application in the name of a client, whose address the application sees. */
  socketFor(target: CaptureTarget, client: string): Socket;
}
