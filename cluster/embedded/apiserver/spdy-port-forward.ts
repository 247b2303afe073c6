import type { Duplex } from "node:stream";
import { SpdyConnection, type SpdyStream } from "./spdy.ts";

/**
 * Kubernetes' port-forward over SPDY: for each connection the client opens an error stream and then a data stream, told apart by
 * the header streamtype and joined by requestid.
 */
export function servePortForward(socket: Duplex, dial: (port: number) => Promise<Duplex>): void {
  const errors = new Map<string, SpdyStream>();
  new SpdyConnection(socket, (stream) => {
    const { streamtype, requestid = "", port = "" } = stream.headers;
    if (streamtype === "error") errors.set(requestid, stream);
    else if (streamtype === "data") {
      const error = errors.get(requestid);
      errors.delete(requestid);
      void relay(stream, error, () => dial(Number(port)));
    } else stream.reset();
  });
}

async function relay(stream: SpdyStream, error: SpdyStream | undefined, dial: () => Promise<Duplex>): Promise<void> {
  try {
    const connection = await dial();
    stream.onData((data) => void connection.write(data));
    stream.onEnd(() => connection.end());
    connection.on("data", (data: Buffer) => stream.write(data));
    connection.on("error", (failure) => error?.write(Buffer.from(failure.message)));
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      stream.end();
      error?.end();
    };
    // A pod that has said its last word gets no more: its process, and with it whoever would answer, may be gone.
    connection.on("end", end);
    connection.on("close", end);
  } catch (failure) {
    error?.write(Buffer.from(failure instanceof Error ? failure.message : String(failure)));
    error?.end();
    stream.reset();
  }
}
