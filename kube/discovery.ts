import type { KubeClient } from "./client.ts";
import type { ResourceType } from "./resource.ts";

interface ResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** Finds the URL name of a kind by asking the API server, once for each group and version. */
export class Discovery {
  readonly #client: KubeClient;
  readonly #groups = new Map<string, Promise<ResourceList | undefined>>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** Undefined if the API server has no such kind (yet). */
  async find(apiVersion: string, kind: string): Promise<ResourceType | undefined> {
    const known = await this.#lookup(apiVersion, kind);
    if (known !== undefined) return known;
    // A definition may have been added since we asked.
    this.#groups.delete(apiVersion);
    return this.#lookup(apiVersion, kind);
  }

  async #lookup(apiVersion: string, kind: string): Promise<ResourceType | undefined> {
    let list = this.#groups.get(apiVersion);
    if (list === undefined) {
      list = this.#fetch(apiVersion);
      this.#groups.set(apiVersion, list);
    }
    const found = (await list)?.resources.find((resource) => resource.kind === kind && !resource.name.includes("/"));
    if (found === undefined) return undefined;
    const slash = apiVersion.indexOf("/");
    const [group, version] =
      slash === -1 ? ["", apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)];
    return { group, version, resource: found.name, namespaced: found.namespaced };
  }

  async #fetch(apiVersion: string): Promise<ResourceList | undefined> {
    const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    try {
      return await this.#client.http.json<ResourceList>({ method: "GET", path });
    } catch (error) {
      this.#groups.delete(apiVersion);
      if (error instanceof Error && "code" in error && error.code === 404) return undefined;
      throw error;
    }
  }
}
