import type { Command } from "commander";
import { AppError } from "#api/errors.ts";
import { type CaptureLimits, defaultCaptureLimits, isHousekeeping } from "#api/packet.ts";
import type { CaptureEvent } from "#api/rpc/contract.ts";
import { connectHost } from "../host-process.ts";
import { resolvePod } from "../resolve-pod.ts";

interface Options {
  readonly namespace: string;
  readonly seconds: string;
  readonly packets: string;
  readonly only?: string;
  readonly all: boolean;
  readonly details: boolean;
  readonly output: string;
}

export function addPackets(program: Command): void {
  program
    .command("packets <pod>")
    .description("what anybody on the wire sees of a pod, named POD, POD.NAMESPACE or TYPE/NAME")
    .option("-n, --namespace <namespace>", "namespace of the pod", "default")
    .option("--seconds <seconds>", "how long to look at most", "10")
    .option("--packets <count>", "how many packets at most", "200")
    .option("--only <kinds>", "only http, tls, dns, data or connection; several with commas")
    .option("--all", "also probes and metrics, which nobody encrypts", false)
    .option("--details", "heads of messages, parts of hellos, first bytes in hexadecimal", false)
    .option("-o, --output <format>", "short or json", "short")
    .action(async (pod: string, options: Options) => {
      if (!["short", "json"].includes(options.output))
        throw new AppError("BAD_REQUEST", `unknown output format "${options.output}": use short or json`);
      const limits = limitsOf(options);
      const { rpc } = await connectHost();
      try {
        const target = resolvePod(await rpc.call("pods.list", {}), pod, options.namespace);
        const only = options.only?.split(",");
        for await (const event of rpc.stream("packets", { ...target, limits })) show(event, { ...options, only });
      } finally {
        rpc.close();
      }
    });
}

function limitsOf({ seconds, packets }: Options): CaptureLimits {
  const number = (name: string, text: string, most: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value > 0 && value <= most) return value;
    throw new AppError("BAD_REQUEST", `--${name} must be a whole number from 1 to ${most}, not "${text}"`);
  };
  return {
    ...defaultCaptureLimits,
    seconds: number("seconds", seconds, 3600),
    packets: number("packets", packets, 100_000),
  };
}

function show(
  event: CaptureEvent,
  {
    output,
    all,
    details,
    only,
  }: Pick<Options, "output" | "all" | "details"> & { readonly only: readonly string[] | undefined },
): void {
  if (event.type === "packet") {
    const { packet } = event;
    if ((!all && isHousekeeping(packet)) || (only !== undefined && !only.includes(packet.kind))) return;
    if (output === "json") return console.log(JSON.stringify(packet));
    const time = new Date(packet.time).toISOString().slice(11, 23);
    console.log(`${time}  ${packet.fromName ?? packet.from} → ${packet.toName ?? packet.to}  ${packet.summary}`);
    if (details) for (const line of packet.details) console.log(`              ${line}`);
  } else if (event.type === "ended" && output === "short") {
    const lost = event.dropped === 0 ? "" : `; ${event.dropped} packets came too fast`;
    console.error(`(ended by its limit of ${event.reason}${lost})`);
  }
}
