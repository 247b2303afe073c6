import { constants, type Http2Stream } from "node:http2";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Ends a connection so that the other end knows that it is no orderly end. */
export function abort(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) stream.resetAndDestroy();
  // Closing with a code would end the stream orderly first; only destroying it with an error does not.
  else stream.destroy(new Error("broken off"));
}

/** Lets go of a connection. A stream of a tunnel is broken off: otherwise it would look as if it had been complete. */
export function drop(stream: Duplex): void {
  if (stream instanceof Socket) stream.destroy();
  else abort(stream);
}

/** A stream of HTTP/2 that is broken off ends in Node as if it had ended orderly; only its code tells. */
export const wasReset = (stream: Duplex): boolean =>
  isHttp2(stream) && stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR;

const isHttp2 = (stream: Duplex): stream is Http2Stream => "rstCode" in stream;
