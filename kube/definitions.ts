import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "#api/errors.ts";
import type { KubeObject } from "#api/kinds/object.ts";
import type { KubeClient } from "./client.ts";
import { isNotFound } from "./status-error.ts";

/** How long definitions may take until their kinds are served, in milliseconds. */
const SERVED_MS = 30_000;
const EVERY_MS = 50;

interface Definition extends KubeObject {
  readonly spec?: {
    readonly group?: string;
    readonly names?: { readonly plural?: string };
    readonly versions?: readonly { readonly name: string; readonly served?: boolean }[];
  };
}

/**
 * Waits until the API server serves every kind of these CustomResourceDefinitions. A real one does so a moment after it has
 * accepted a definition.
 */
export async function whenServed(
  client: KubeClient,
  definitions: readonly KubeObject[],
  signal?: AbortSignal,
): Promise<void> {
  const wanted = new Map<string, string[]>();
  for (const { spec } of definitions as readonly Definition[])
    for (const { name, served } of spec?.versions ?? []) {
      const path = `/apis/${spec?.group}/${name}`;
      if (served !== false) wanted.set(path, [...(wanted.get(path) ?? []), spec?.names?.plural ?? ""]);
    }
  const end = Date.now() + SERVED_MS;
  await Promise.all(
    [...wanted].map(async ([path, resources]) => {
      let missing = await missingFrom(client, path, resources);
      while (missing.length > 0) {
        if (Date.now() > end)
          throw new AppError("TIMEOUT", `${path} does not serve ${missing.join(", ")} after ${SERVED_MS / 1000} s`);
        await delay(EVERY_MS, undefined, signal === undefined ? {} : { signal });
        missing = await missingFrom(client, path, resources);
      }
    }),
  );
}

async function missingFrom(client: KubeClient, path: string, wanted: readonly string[]): Promise<readonly string[]> {
  try {
    const list = await client.http.json<{ readonly resources: readonly { readonly name: string }[] }>({
      method: "GET",
      path,
    });
    return wanted.filter((resource) => !list.resources.some(({ name }) => name === resource));
  } catch (error) {
    if (isNotFound(error)) return wanted;
    throw error;
  }
}
