import type { Head } from "../http1/head.ts";
import { known } from "../http1/known-headers.ts";
import type { DownstreamConnection, DownstreamTls } from "../http1/streams.ts";
import type { HttpManager } from "./manager.ts";

/** x-forwarded-client-cert as the listener has it: dropped, passed on, added to, or started anew. */
export function forwardCertificate(head: Head, manager: HttpManager, connection: DownstreamConnection): void {
  const mode = manager.clientCertificate;
  const { proof } = connection;
  const mutual = proof?.mutual === true;
  if (mode === "always_forward_only") return;
  if (mode === "sanitize" || !mutual) {
    // Without a verified peer nobody vouches for what the header says.
    if (head.indexOf(known.forwardedClientCert) >= 0) head.dropId(known.forwardedClientCert);
    return;
  }
  if (mode === "forward_only") return;
  const element = elementOf(proof, manager.certificateFields);
  const before = mode === "append_forward" ? head.get("x-forwarded-client-cert") : undefined;
  head.set("x-forwarded-client-cert", before === undefined ? element : `${before},${element}`);
}

/** By=…;Hash=…;Subject="…";URI=…;DNS=… in Envoy's order. */
function elementOf(tls: DownstreamTls, fields: HttpManager["certificateFields"]): string {
  const parts = [`By=${tls.localUri}`, `Hash=${tls.peerHash}`];
  if (fields.subject) parts.push(`Subject="${tls.peerSubject.replace(/["\\]/g, "\\$&")}"`);
  if (fields.uri) parts.push(`URI=${tls.peerUri}`);
  if (fields.dns) for (const name of tls.peerDns) parts.push(`DNS=${name}`);
  return parts.join(";").replace(/[\r\n\0]/g, "");
}
