import { constants, type Http2Stream } from "node:http2";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";

/** Why two sides were parted before both had ended orderly. */
export type Parted = { readonly side: "near" | "far"; readonly error: Error | undefined };

/**
 * Passes bytes both ways until both sides are closed. A slow side holds the other back; the end of one way is passed on while the
 * other goes on; what breaks off on one side breaks off on the other. Undefined for an orderly end.
 */
export function join(near: Duplex, far: Duplex): Promise<Parted | undefined> {
  return new Promise((resolve) => {
    let parted: Parted | undefined;
    let open = 2;
    const watch = (side: "near" | "far", stream: Duplex, other: Duplex): void => {
      let failure: Error | undefined;
      const part = (): void => {
        parted ??= { side, error: failure };
        abort(other);
      };
      stream.on("error", (error) => {
        failure ??= error;
      });
      stream.once("end", () => {
        if (wasReset(stream)) part();
        else other.end();
      });
      const onClose = (): void => {
        if (!stream.readableEnded || failure !== undefined || wasReset(stream)) part();
        if (--open === 0) resolve(parted);
      };
      if (stream.closed) onClose();
      else stream.once("close", onClose);
    };
    watch("near", near, far);
    watch("far", far, near);
    near.pipe(far, { end: false });
    far.pipe(near, { end: false });
  });
}

/** Ends a connection so that the other end knows that it is no orderly end. */
export function abort(stream: Duplex): void {
  if (stream.destroyed) return;
  if (stream instanceof Socket) stream.resetAndDestroy();
  // Closing with a code would end the stream orderly first; only destroying it with an error does not.
  else stream.destroy(new Error("broken off"));
}

/** A stream of HTTP/2 that is broken off ends in Node as if it had ended orderly; only its code tells. */
const wasReset = (stream: Duplex): boolean =>
  isHttp2(stream) && stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR;

const isHttp2 = (stream: Duplex): stream is Http2Stream => "rstCode" in stream;
