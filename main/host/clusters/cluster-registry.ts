import type { ClusterDefinition } from "#api/cluster-definition.ts";
import { AppError } from "#api/errors.ts";
import type { ClusterStatus, ClusterSummary } from "#api/rpc/cluster.ts";
import type { HostConfig } from "../config.ts";
import type { LabCluster } from "../lab-cluster.ts";
import type { Lab } from "../labs/lab-folder.ts";
import { follow, type Observable, Subject } from "../observable.ts";
import type { HostSettings } from "../settings.ts";
import { ClusterStore, defaultCluster, parseDefinition } from "./cluster-store.ts";
import { createManagedCluster, type ManagedCluster } from "./managed-cluster.ts";

export interface RegistryParts {
  readonly config: HostConfig;
  readonly settings: HostSettings;
  readonly labs: readonly Lab[];
}

/** All clusters of this state folder. Several may run side by side; the labs and the views are on the current one. */
export class ClusterRegistry {
  /** All clusters, whenever one of them, or which is current, changes. */
  readonly summaries: Observable<readonly ClusterSummary[]>;
  readonly #parts: RegistryParts;
  readonly #store: ClusterStore;
  readonly #summaries = new Subject<readonly ClusterSummary[]>([]);
  readonly #clusters = new Map<string, ManagedCluster>();
  readonly #unwatch = new Map<string, () => void>();
  readonly #current: Subject<ManagedCluster>;

  private constructor(parts: RegistryParts, store: ClusterStore, current: ManagedCluster) {
    this.#parts = parts;
    this.#store = store;
    this.#current = new Subject(current);
    this.summaries = this.#summaries;
  }

  /** Reads what there is. Starts nothing. */
  static async open(parts: RegistryParts): Promise<ClusterRegistry> {
    const store = new ClusterStore(parts.config.stateFolder);
    const [definitions, chosen] = await Promise.all([store.list(), store.current()]);
    const clusters = await Promise.all(
      definitions.map((definition) =>
        createManagedCluster(definition, { ...parts, folder: store.folder(definition.name) }),
      ),
    );
    const current = clusters.find(({ definition }) => definition.name === chosen) ?? clusters[0]!;
    const registry = new ClusterRegistry(parts, store, current);
    for (const cluster of clusters) registry.#add(cluster);
    return registry;
  }

  get current(): Observable<ManagedCluster> {
    return this.#current;
  }

  /** Status of the current cluster, also after another becomes current. */
  get status(): Observable<ClusterStatus> {
    return follow(this.#current, ({ provisioning }) => provisioning.status);
  }

  /** The current cluster while it runs. */
  get running(): Observable<LabCluster | undefined> {
    return follow(this.#current, ({ cluster }) => cluster);
  }

  /** @param name undefined for the current cluster */
  get(name: string | undefined): ManagedCluster {
    if (name === undefined) return this.#current.value;
    const found = this.#clusters.get(name);
    if (found !== undefined) return found;
    throw new AppError("NOT_FOUND", `there is no cluster "${name}"`, {
      hint: `There are: ${[...this.#clusters.keys()].join(", ")}.`,
    });
  }

  /** Keeps the definition; nothing is started yet. Another with the same name must not be there, unless it says the same. */
  async create(value: unknown): Promise<ClusterDefinition> {
    const definition = parseDefinition(value, "the cluster");
    const { name, provider } = definition;
    const there = this.#clusters.get(name);
    if (there !== undefined) {
      if (there.definition.provider === provider && JSON.stringify(there.definition) === JSON.stringify(definition))
        return definition;
      throw new AppError("BAD_REQUEST", `there is a cluster "${name}" already (${there.definition.provider})`, {
        hint: "Choose another name, or delete that one first.",
      });
    }
    const folder = this.#store.folder(name);
    const cluster = await createManagedCluster(definition, { ...this.#parts, folder });
    await this.#store.write(definition);
    this.#add(cluster);
    return definition;
  }

  async select(name: string): Promise<void> {
    const chosen = this.get(name);
    await this.#store.setCurrent(name);
    this.#current.set(chosen);
    this.#tell();
  }

  /** Deletes the cluster and forgets it; the default one stays as a name. */
  async remove(name: string | undefined): Promise<void> {
    const cluster = this.get(name);
    const { definition } = cluster;
    if (definition.name === defaultCluster.name) return cluster.provisioning.delete();
    if (this.#current.value === cluster) await this.select(defaultCluster.name);
    await cluster.end(true);
    this.#unwatch.get(definition.name)?.();
    this.#unwatch.delete(definition.name);
    this.#clusters.delete(definition.name);
    await this.#store.remove(definition.name);
    this.#tell();
  }

  /** Stops all clusters, or deletes them. */
  async end(remove: boolean): Promise<void> {
    await Promise.all([...this.#clusters.values()].map((cluster) => cluster.end(remove)));
    for (const unwatch of this.#unwatch.values()) unwatch();
  }

  #add(cluster: ManagedCluster): void {
    const { name } = cluster.definition;
    this.#clusters.set(name, cluster);
    this.#unwatch.set(
      name,
      cluster.provisioning.status.watch(() => this.#tell()),
    );
  }

  #tell(): void {
    this.#summaries.set(
      [...this.#clusters.values()].map(({ definition, provisioning }) => {
        const { phase, kubernetesVersion, kubeconfig, memoryBytes, pods, nodes, error } = provisioning.status.value;
        const { name, provider } = definition;
        const current = this.#current.value.definition.name === name;
        return { name, provider, current, phase, kubernetesVersion, kubeconfig, memoryBytes, pods, nodes, error };
      }),
    );
  }
}
