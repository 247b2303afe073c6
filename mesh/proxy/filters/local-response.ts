import { Head } from "../http1/head.ts";
import type { BodyPart } from "../http1/streams.ts";
import type { LocalReply } from "./filter.ts";

const noBytes: Buffer = Buffer.alloc(0);

/** Makes answers of the proxy's own look like answers of an upstream, so that they pass the same way. */
export class LocalResponse {
  readonly #head: Head = new Head();
  readonly #body: BodyPart = {
    buffer: noBytes,
    start: 0,
    end: 0,
    last: true,
    owned: true,
    framing: "none",
    closing: "",
    data: [],
  };

  prepare(reply: LocalReply): Head {
    const head = this.#head;
    head.reset(noBytes);
    head.version = 11;
    head.status = reply.status;
    const typed = reply.headers?.some(([name]) => name === "content-type") ?? false;
    if (reply.body !== "" && !typed) head.add("content-type", "text/plain");
    head.add("content-length", String(Buffer.byteLength(reply.body)));
    for (const [name, value] of reply.headers ?? []) head.add(name, value);
    return head;
  }

  body(reply: LocalReply, method: string): BodyPart {
    const body = this.#body;
    body.buffer = method === "HEAD" ? noBytes : Buffer.from(reply.body, "utf8");
    body.end = body.buffer.length;
    return body;
  }
}
