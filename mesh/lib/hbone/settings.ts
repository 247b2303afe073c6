import type { Settings } from "node:http2";

/** Windows of HBONE connections; Istio's ztunnel has the same. */
export const STREAM_WINDOW = 4 * 1024 * 1024;
export const CONNECTION_WINDOW = 16 * 1024 * 1024;
/** Streams of one connection before another is opened. */
export const MAX_STREAMS = 100;

export const hboneSettings: Settings = {
  enablePush: false,
  initialWindowSize: STREAM_WINDOW,
  maxFrameSize: 1024 * 1024,
  maxConcurrentStreams: 1000,
};

/** Megabytes that a connection may hold: its streams' windows, rather than Node's 10, at which it would refuse streams. */
export const SESSION_MEMORY = 1000;
