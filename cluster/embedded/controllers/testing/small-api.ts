import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { KubeObject } from "#api/kinds/object.ts";
import { coreV1, type PatchRequest, type ResourceType } from "../../machinery/resources.ts";
import { MemoryResources } from "../../node/fixtures/memory-resources.ts";
import type { Pod } from "../../node/kinds.ts";

type WithSpec = KubeObject & { readonly spec?: unknown };

/** What controllers need of an API server besides storage: generated names, generations, bindings, pods that die at once. */
export class SmallApi extends MemoryResources {
  #names = 0;

  override async create<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    if (type.resource === "pods/binding") return this.#bind(object);
    const { generateName, name = `${generateName}${(this.#names++).toString(36).padStart(5, "0")}` } = object.metadata;
    return super.create(type, { ...object, metadata: { ...object.metadata, name, generation: 1 } });
  }

  override async update<T extends KubeObject>(type: ResourceType, object: T): Promise<T> {
    const before = await this.get<WithSpec>(type, object.metadata.namespace, object.metadata.name ?? "");
    const changed = !isDeepStrictEqual(before?.spec, (object as WithSpec).spec);
    const generation = (before?.metadata.generation ?? 0) + (changed ? 1 : 0);
    return super.update(type, { ...object, metadata: { ...object.metadata, generation } });
  }

  override async patch<T extends KubeObject>(
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    patch: PatchRequest,
  ): Promise<T> {
    const patched = await super.patch<T>(type, namespace, name, patch);
    if (!Object.hasOwn(patch.body as object, "spec")) return patched;
    const generation = (patched.metadata.generation ?? 0) + 1;
    return super.update(type, { ...patched, metadata: { ...patched.metadata, generation } });
  }

  override delete(type: ResourceType, namespace: string | undefined, name: string): Promise<void> {
    return super.delete(type, namespace, name, { gracePeriodSeconds: 0 });
  }

  async #bind<T extends KubeObject>(binding: T): Promise<T> {
    const { namespace, name = "" } = binding.metadata;
    const { target } = z.looseObject({ target: z.object({ name: z.string() }) }).parse(binding);
    await super.patch<Pod>(coreV1("pods"), namespace, name, {
      type: "merge",
      body: { spec: { nodeName: target.name } },
    });
    return binding;
  }
}
