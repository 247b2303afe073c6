import type { IVolume } from "kubernetes-models/v1/Volume";

/** Where the network namespaces of pods are, as container runtimes have them. */
export const NETWORK_FOLDER = "/run/netns";

/** Whether a volume is the folder of network namespaces: the one hostPath that pods may have, for what captures traffic. */
export const showsNetworks = ({ hostPath }: IVolume): boolean =>
  hostPath !== undefined && (hostPath.path === NETWORK_FOLDER || hostPath.path === `/var${NETWORK_FOLDER}`);
