import type { Head } from "../http1/head.ts";
import { known } from "../http1/known-headers.ts";
import type { HttpManager } from "./manager.ts";

/** What every answer passes last: hop-by-hop fields, server, date. */
export function finishResponse(head: Head, manager: HttpManager): void {
  if (head.hopByHop.length > 0) {
    for (const name of head.hopByHop) {
      if (name !== "content-length" && name !== "transfer-encoding") head.remove(name);
    }
  }
  if (head.status !== 101) head.dropId(known.upgrade);
  const server = head.indexOf(known.server);
  if (manager.serverHeader === "overwrite" || (manager.serverHeader === "append_if_absent" && server < 0)) {
    if (server >= 0) head.dropped[server] = 1;
    head.add("server", manager.serverName);
  }
  if (head.indexOf(known.date) < 0) head.add("date", manager.environment.date());
}
