import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { type KindSettings, kindSettingsSchema } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import type { MeshValues } from "#mesh/deploy/values.ts";

/** Name of the file in the state folder in which a person, or whoever prepares a workshop room, keeps what holds for every cluster. */
export const SETTINGS_FILE = "settings.yaml";

const settingsSchema = z.strictObject({
  kind: kindSettingsSchema
    .omit({ configPatch: true })
    .extend({
      /** Path of a kind configuration, relative to this file. */
      config: z.string().min(1).optional(),
    })
    .optional(),
  mesh: z
    .strictObject({
      /** Fields of Istio's MeshConfig. */
      meshConfig: z.record(z.string(), z.unknown()).optional(),
      pilot: z.strictObject({ env: z.record(z.string(), z.string()).optional() }).optional(),
      ambient: z
        .strictObject({ capture: z.enum(["iptables", "ebpf", "auto"]).optional(), dnsCapture: z.boolean().optional() })
        .optional(),
    })
    .optional(),
});

export interface HostSettings {
  readonly kind: KindSettings;
  /** How the mesh is installed, beside what the cluster decides. */
  readonly mesh: Pick<MeshValues, "meshConfig" | "pilotEnv"> &
    Partial<Pick<MeshValues, "ambientCapture" | "ambientDnsCapture">>;
}

/** Reads the settings; without a file everything is chosen here. Throws BAD_REQUEST that names the file and the field. */
export async function readSettings(stateFolder: string): Promise<HostSettings> {
  const path = join(stateFolder, SETTINGS_FILE);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return { kind: {}, mesh: { meshConfig: {}, pilotEnv: {} } };
  const parsed = settingsSchema.safeParse(parseYaml(path, text) ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new AppError("BAD_REQUEST", `${path}: ${issue?.path.join(".") || "settings"}: ${issue?.message}`);
  }
  const { config, ...kind } = parsed.data.kind ?? {};
  const { meshConfig = {}, pilot, ambient = {} } = parsed.data.mesh ?? {};
  const { capture, dnsCapture } = ambient;
  return {
    kind: config === undefined ? kind : { ...kind, configPatch: await readPatch(path, config) },
    mesh: {
      meshConfig,
      pilotEnv: pilot?.env ?? {},
      ...(capture === undefined ? {} : { ambientCapture: capture }),
      ...(dnsCapture === undefined ? {} : { ambientDnsCapture: dnsCapture }),
    },
  };
}

function readPatch(settingsPath: string, config: string): Promise<string> {
  const path = resolve(dirname(settingsPath), config);
  return readFile(path, "utf8").catch((error: unknown) => {
    throw new AppError("BAD_REQUEST", `${settingsPath}: kind.config: ${path} cannot be read`, { cause: error });
  });
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new AppError("BAD_REQUEST", `${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
