import type { Duplex } from "node:stream";
import type { Head } from "./head.ts";
import { reasonOf } from "./reasons.ts";
import type { BodyPart, Framing } from "./streams.ts";
import { writeChunked, writeHead, writePart, writeUnframed } from "./write.ts";

/** Writes answers to a client in the framing that it understands; mostly that is the one they came in. */
export class ResponseWriter {
  readonly #socket: Duplex;
  #framing: Framing = "none";
  #old = false;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Returns whether the connection ends with this answer: as wanted, or because the client cannot be told its length otherwise. */
  respond(head: Head, body: BodyPart, client: { readonly old: boolean; readonly close: boolean }): boolean {
    const { old } = client;
    let { close } = client;
    this.#framing = body.framing;
    this.#old = old;
    let extra = "";
    if (body.framing === "close") {
      if (old) close = true;
      else extra = "transfer-encoding: chunked\r\n";
    } else if (body.framing === "chunked" && old) {
      close = true;
      head.remove("transfer-encoding");
    }
    if (close) extra += "connection: close\r\n";
    else if (old) extra += "connection: keep-alive\r\n";
    const text = `${statusLine(head)}${head.lines()}${extra}\r\n`;
    if (this.#reframes) {
      this.#socket.cork();
      this.#socket.write(text, "latin1");
      this.write(body);
      this.#socket.uncork();
    } else writeHead(this.#socket, text, body);
    return close;
  }

  /** True when chunks have to be made or taken apart. */
  get #reframes(): boolean {
    return this.#framing === (this.#old ? "chunked" : "close");
  }

  /** False when the client does not keep up. */
  write(body: BodyPart): boolean {
    if (!this.#reframes) return writePart(this.#socket, body);
    return this.#old ? writeUnframed(this.#socket, body) : writeChunked(this.#socket, body);
  }

  /** Writes an answer that switches protocols; what follows is not HTTP. */
  switchProtocols(head: Head): void {
    this.#socket.write(`${statusLine(head)}${head.lines()}connection: upgrade\r\n\r\n`, "latin1");
  }
}

function statusLine(head: Head): string {
  if (head.version === 11 && head.statusLineEnd > 0)
    return head.buffer.toString("latin1", head.statusLineStart, head.statusLineEnd);
  return `HTTP/1.1 ${head.status} ${reasonOf(head.status)}\r\n`;
}
