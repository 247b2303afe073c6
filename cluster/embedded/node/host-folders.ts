import type { IVolume } from "kubernetes-models/v1/Volume";

/** Where the network namespaces of pods are, as container runtimes have them. */
const NETWORK_FOLDER = "/run/netns";
/** Where the sandbox has a view of the machine's control groups of version 2 (empty where none can be had). */
export const GROUPS_FOLDER = "/run/cgroup2";

/** Whether a volume is the folder of network namespaces. */
export const showsNetworks = (volume: IVolume): boolean => hostFolder(volume) === NETWORK_FOLDER;

/** The two hostPaths that pods may have, both for what captures traffic, and only to read. Undefined for any other volume. */
export function hostFolder({ hostPath }: IVolume): string | undefined {
  switch (hostPath?.path) {
    case NETWORK_FOLDER:
    case `/var${NETWORK_FOLDER}`:
      return NETWORK_FOLDER;
    case "/sys/fs/cgroup":
      return GROUPS_FOLDER;
    default:
      return undefined;
  }
}
