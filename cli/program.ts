import { Command } from "commander";
import { VERSION } from "#api/names.ts";
import { addCluster } from "./commands/cluster.ts";
import { addDown } from "./commands/down.ts";
import { addImages } from "./commands/images.ts";
import { addKubectl } from "./commands/kubectl.ts";
import { addLab } from "./commands/lab.ts";
import { addPackets } from "./commands/packets.ts";
import { addProxyConfig } from "./commands/proxy-config.ts";
import { addProxyStatus } from "./commands/proxy-status.ts";
import { addStart } from "./commands/start.ts";
import { addStatus } from "./commands/status.ts";
import { addUp } from "./commands/up.ts";
import { addWaypoint } from "./commands/waypoint.ts";
import { addZtunnelConfig } from "./commands/ztunnel-config.ts";

/** The whole command line, in the order of its help. */
export function createProgram(): Command {
  const program = new Command("slipway")
    .description("A lab for service meshes on your own machine")
    .version(VERSION, "-v, --version")
    .showSuggestionAfterError()
    .showHelpAfterError("(slipway --help lists the commands)")
    .exitOverride((error) => process.exit(error.exitCode === 1 ? 64 : error.exitCode));
  for (const add of [
    addStart,
    addUp,
    addDown,
    addStatus,
    addCluster,
    addImages,
    addLab,
    addProxyStatus,
    addProxyConfig,
    addZtunnelConfig,
    addWaypoint,
    addPackets,
    addKubectl,
  ])
    add(program);
  return program;
}
