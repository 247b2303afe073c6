import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { NetworkNamespace } from "#mesh/capture/namespaces.ts";

export interface PodNetworksOptions {
  /** Folder of namespace files, as the container runtime makes them. */
  readonly folder: string;
  readonly open: (path: string) => NetworkNamespace;
}

/**
 * Finds a pod's network namespace by the address in it: how runtimes name the files differs, addresses are the pod's for as long as it
 * is. Undefined where none has it.
 */
export function findPodNetwork({ folder, open }: PodNetworksOptions, address: string): NetworkNamespace | undefined {
  for (const name of readdirSync(folder)) {
    const namespace = openQuietly(open, join(folder, name));
    if (namespace === undefined) continue;
    if (hasAddress(namespace, address)) return namespace;
    namespace.close();
  }
  return undefined;
}

/** Pods come and go while we look: a file may be gone, or not be a namespace yet. */
function openQuietly(open: (path: string) => NetworkNamespace, path: string): NetworkNamespace | undefined {
  try {
    return open(path);
  } catch {
    return undefined;
  }
}

function hasAddress(namespace: NetworkNamespace, address: string): boolean {
  try {
    return namespace.addresses().includes(address);
  } catch {
    return false;
  }
}
