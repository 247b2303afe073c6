import type { Duplex } from "node:stream";
import { abort, wasReset } from "#mesh/lib/hbone/stream.ts";

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
