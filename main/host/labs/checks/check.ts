import type { LabCheckDefinition } from "#api/lab.ts";
import { checkBrowse } from "./browse.ts";
import { checkCalls } from "./calls.ts";
import type { CheckContext, CheckOutcome } from "./outcome.ts";
import { checkPackets } from "./packets.ts";
import { checkResponses, checkShare } from "./probes.ts";
import { checkResources } from "./resources.ts";
import { checkAcknowledged, checkExists, checkReady } from "./state.ts";
import { checkMutualTls, checkTraffic } from "./traffic.ts";

/** Measures one check once. */
export function measureCheck(check: LabCheckDefinition, context: CheckContext): Promise<CheckOutcome> {
  switch (check.type) {
    case "ready":
      return checkReady(check, context);
    case "exists":
      return checkExists(check, context);
    case "acknowledged":
      return checkAcknowledged(context);
    case "share":
      return checkShare(check, context);
    case "responses":
      return checkResponses(check, context);
    case "traffic":
      return checkTraffic(check, context);
    case "calls":
      return checkCalls(check, context);
    case "packets":
      return checkPackets(check, context);
    case "browse":
      return checkBrowse(check, context);
    case "resources":
      return checkResources(check, context);
    case "mutual-tls":
      return checkMutualTls(check, context);
  }
}
