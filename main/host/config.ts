import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { AppError } from "#api/errors.ts";
import { stateFolder } from "./instance.ts";

/** What the host needs to know, parsed once. */
export interface HostConfig {
  readonly stateFolder: string;
  /** Port of the interface; 0 for any. */
  readonly port: number;
  /** Whether it ends with the process that started it. */
  readonly attached: boolean;
  readonly mode: "browser" | "desktop";
  readonly folders: {
    readonly renderer: string;
    readonly labs: string;
    readonly manifests: string;
    readonly images: string;
    /** Archives of images that were loaded here, or that a release carries. */
    readonly archives: string;
    readonly embedded: string;
    readonly slipway: string;
  };
}

/** @param dist folder of the build, which holds everything that the host serves and starts */
export function parseConfig(argv: readonly string[], dist: string): HostConfig {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      port: { type: "string" },
      attached: { type: "boolean", default: false },
      desktop: { type: "boolean", default: false },
    },
  });
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new AppError("BAD_REQUEST", `--port must be a number up to 65535, not "${values.port}"`);
  const state = stateFolder();
  const loaded = join(state, "archives");
  return {
    stateFolder: state,
    port,
    attached: values.attached,
    mode: values.desktop ? "desktop" : "browser",
    folders: {
      renderer: join(dist, "renderer"),
      labs: join(dist, "lab-scenarios"),
      manifests: join(dist, "manifests"),
      images: join(dist, "images"),
      archives: existsSync(join(dist, "archives")) && !existsSync(loaded) ? join(dist, "archives") : loaded,
      embedded: join(dist, "embedded/main.js"),
      slipway: join(dist, "../bin/slipway.mjs"),
    },
  };
}
