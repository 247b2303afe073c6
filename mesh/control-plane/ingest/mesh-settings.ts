import { parse as parseYaml } from "yaml";
import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import { type MeshConfig, meshConfig } from "../model/mesh-config.ts";

const configMap = z.object({ data: z.record(z.string(), z.string()).optional() });
const document = z.record(z.string(), z.unknown()).nullable();
const providers = z.object({ extensionProviders: z.array(z.unknown()).default([]) });

export interface MeshSettingsOptions {
  readonly rootNamespace: string;
  /** Name of the shared ConfigMap (Istio's SHARED_MESH_CONFIG); empty for none. */
  readonly shared: string;
}

/**
 * MeshConfig from ConfigMap `istio` (key mesh) of the root namespace, over what a shared ConfigMap says: so people keep settings of
 * their own where the installation does not overwrite them. The extension providers of both count.
 */
export class MeshSettings {
  readonly #options: MeshSettingsOptions;
  readonly #names: readonly string[];
  #documents: ReadonlyMap<string, Readonly<Record<string, unknown>>> = new Map();
  #current: MeshConfig;

  constructor(options: MeshSettingsOptions) {
    this.#options = options;
    this.#names = [options.shared, "istio"].filter((name) => name !== "");
    this.#current = this.#merge(this.#documents);
  }

  /** The objects that it is read from, as "Kind/namespace/name". */
  get sources(): readonly string[] {
    return this.#names.map((name) => `ConfigMap/${this.#options.rootNamespace}/${name}`);
  }

  get current(): MeshConfig {
    return this.#current;
  }

  /** Whether something changed. Throws for what is no MeshConfig; then the former one stays in force. */
  put(object: KubeObject): boolean {
    const { name = "", namespace } = object.metadata;
    if (namespace !== this.#options.rootNamespace || !this.#names.includes(name)) return false;
    const text = configMap.parse(object).data?.mesh ?? "";
    return this.#replace(new Map(this.#documents).set(name, document.parse(parseYaml(text)) ?? {}));
  }

  /** Whether something changed. */
  delete({ metadata }: KubeObject): boolean {
    const documents = new Map(this.#documents);
    if (metadata.namespace !== this.#options.rootNamespace || !documents.delete(metadata.name ?? "")) return false;
    return this.#replace(documents);
  }

  #replace(documents: ReadonlyMap<string, Readonly<Record<string, unknown>>>): boolean {
    const merged = this.#merge(documents);
    this.#documents = documents;
    if (JSON.stringify(merged) === JSON.stringify(this.#current)) return false;
    this.#current = merged;
    return true;
  }

  #merge(documents: ReadonlyMap<string, Readonly<Record<string, unknown>>>): MeshConfig {
    const parts = this.#names.flatMap((name) => documents.get(name) ?? []);
    const extensionProviders = parts.flatMap((part) => providers.parse(part).extensionProviders);
    const { rootNamespace } = this.#options;
    return meshConfig.parse(Object.assign({ rootNamespace }, ...parts, { extensionProviders }));
  }
}
