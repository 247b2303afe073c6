import type { Command } from "commander";
import { stringify } from "yaml";
import { makeWaypoint } from "./gateway.ts";

interface Options {
  readonly namespace: string;
  readonly name: string;
  readonly for?: string;
  readonly revision?: string;
}

export function addGenerate(group: Command): void {
  group
    .command("generate")
    .description("print the manifest of a waypoint")
    .option("--for <traffic>", "traffic that it takes: service (if not said), workload, all or none")
    .option("-r, --revision <revision>", "revision to label it with")
    .action((_, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const said = command.parent?.getOptionValueSource("namespace") === "cli";
      console.log(stringify(makeWaypoint({ ...options, namespace: said ? options.namespace : undefined })).trimEnd());
    });
}
