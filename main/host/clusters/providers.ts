import { join } from "node:path";
import type { ClusterDefinition } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import { embeddedProvider } from "#cluster/embedded/provider.ts";
import { existingProvider } from "#cluster/existing/provider.ts";
import { kindProvider } from "#cluster/kind/provider.ts";
import type { ClusterProvider } from "#cluster/provider.ts";
import type { HostConfig } from "../config.ts";
import type { HostSettings } from "../settings.ts";

export interface ProviderParts {
  readonly config: HostConfig;
  readonly settings: HostSettings;
  /** The cluster's own folder. */
  readonly stateFolder: string;
}

/** The provider that makes a cluster as it is defined. */
export function providerOf(definition: ClusterDefinition, parts: ProviderParts): ClusterProvider {
  const { name, provider, zones } = definition;
  const { config, settings, stateFolder } = parts;
  const common = { name, stateFolder, imagesFolder: config.folders.images };
  switch (provider) {
    case "embedded":
      return embeddedProvider({
        ...common,
        entry: config.folders.embedded,
        ...(zones.length === 0 ? {} : { nodes: zones.map((zone, index) => ({ name: `slipway-${index + 1}`, zone })) }),
      });
    case "kind":
      return kindProvider({
        ...common,
        zones,
        archiveFolder: config.folders.archives,
        binFolder: join(config.stateFolder, "bin"),
        settings: { ...settings.kind, ...definition.kind },
      });
    case "existing":
      if (definition.existing === undefined)
        throw new AppError("BAD_REQUEST", `cluster "${name}": which context it is must be said`);
      return existingProvider({ name, stateFolder, settings: definition.existing });
  }
}
