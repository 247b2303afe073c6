import type { Duplex } from "node:stream";
import type { BodyPart } from "./streams.ts";

/** Bodies up to this size are copied behind the head, so that one system call carries both. */
const COMBINE = 8 * 1024;
/** A socket with more than this waiting makes the other side pause. */
export const HIGH_WATER = 64 * 1024;

/** Writes a head, Latin-1 text, with the first part of its body. */
export function writeHead(socket: Duplex, text: string, body: BodyPart): void {
  const size = body.end - body.start;
  if (size === 0) {
    socket.write(text + body.closing, "latin1");
    return;
  }
  if (size <= COMBINE) {
    socket.write(text + body.buffer.toString("latin1", body.start, body.end) + body.closing, "latin1");
    return;
  }
  socket.cork();
  socket.write(text, "latin1");
  writePart(socket, body);
  socket.uncork();
}

/** Writes body bytes as they are; false when the socket is behind. */
export function writePart(socket: Duplex, body: BodyPart): boolean {
  const { buffer, start, end } = body;
  if (end > start) {
    if (body.owned) socket.write(start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end));
    else if (end - start <= COMBINE) socket.write(buffer.toString("latin1", start, end), "latin1");
    else socket.write(Buffer.from(buffer.subarray(start, end)));
  }
  if (body.closing !== "") socket.write(body.closing, "latin1");
  return socket.writableLength < HIGH_WATER;
}

/** Writes body bytes in the chunked coding. */
export function writeChunked(socket: Duplex, body: BodyPart): boolean {
  socket.cork();
  if (body.end > body.start) {
    socket.write(`${(body.end - body.start).toString(16)}\r\n`, "latin1");
    writePart(socket, { ...body, closing: "\r\n" });
  }
  if (body.last) socket.write("0\r\n\r\n", "latin1");
  socket.uncork();
  return socket.writableLength < HIGH_WATER;
}

/** Writes only the data of a chunked body, for clients that do not know the coding. */
export function writeUnframed(socket: Duplex, body: BodyPart): boolean {
  for (let index = 0; index + 1 < body.data.length; index += 2) {
    const start = body.data[index] ?? 0;
    const end = body.data[index + 1] ?? 0;
    socket.write(body.owned ? body.buffer.subarray(start, end) : Buffer.from(body.buffer.subarray(start, end)));
  }
  return socket.writableLength < HIGH_WATER;
}
