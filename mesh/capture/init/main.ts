import { applyCapture, CaptureError, removeCapture } from "../apply.ts";
import { type InitCommand, parseInitCommand } from "../options.ts";
import { canDistinguishUsers } from "../users.ts";

/**
 * The program `pilot-agent istio-iptables`: sets the rules that lead a pod's traffic to its proxy, prints them and ends. Returns
 * the exit status: 0, 1 when the rules could not be set, 2 when the arguments are wrong.
 */
export function runIstioIptables(args: readonly string[]): number {
  let command: InitCommand;
  try {
    command = parseInitCommand(args);
  } catch (error) {
    console.error(`istio-iptables: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  try {
    const proxy = canDistinguishUsers() ? "owner" : "mark";
    const applied = command.cleanupOnly
      ? removeCapture()
      : applyCapture(command.capture, { proxy, dryRun: command.dryRun });
    if (command.capture.mode === "NONE") console.log("interception mode NONE: no traffic is captured");
    for (const { family, input } of applied) {
      if (input !== "")
        console.log(`# ${family === "ipv6" ? "ip6tables" : "iptables"}-restore --noflush\n${input.trimEnd()}`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    console.error(`istio-iptables: ${error.message}`);
    return 1;
  }
}
