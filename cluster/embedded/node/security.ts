import { PROXY_UID } from "#api/names.ts";
import { showsNetworks } from "./host-folders.ts";
import type { Image } from "./images.ts";
import type { Container, Pod } from "./kinds.ts";

/** Who a container's processes are and what they may do. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups: fsGroup and supplementalGroups. */
  readonly groups: readonly number[];
  /** Bounding set, lower case without "cap_". */
  readonly capabilities: readonly string[];
  readonly readOnlyRoot: boolean;
  /** The user that was asked for but cannot be had, because only one id is mapped. */
  readonly unmappedUid: number | undefined;
}

/**
 * What container runtimes give by default, without mknod (devices are not ours to make), setfcap (files with capabilities would
 * outlive the container), audit_write (the audit log belongs to the machine), net_raw (forged packets reach other pods).
 */
const defaultCapabilities: readonly string[] = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "net_bind_service",
  "sys_chroot",
];

/** What a pod may ask for on top. Everything else acts on the machine or on the node's namespaces. */
const grantable: ReadonlySet<string> = new Set([
  ...defaultCapabilities,
  "net_admin",
  "net_raw",
  "ipc_lock",
  "sys_nice",
]);

/** Works out the identity from the pod's and container's securityContext and the image's user. Throws when runAsNonRoot is violated. */
export function containerIdentity(
  pod: Pod,
  container: Container,
  options: { image: Image; fullIdMap: boolean },
): Identity {
  const podContext = pod.spec?.securityContext ?? {};
  const context = container.securityContext ?? {};
  const [imageUid = 0, imageGid = 0] = options.image.user.split(":").map(Number);
  const uid = context.runAsUser ?? podContext.runAsUser ?? imageUid;
  const gid = context.runAsGroup ?? podContext.runAsGroup ?? imageGid;
  if ((context.runAsNonRoot ?? podContext.runAsNonRoot) === true && uid === 0) {
    throw new Error("container has runAsNonRoot and image will run as root");
  }
  const groups = [
    ...(podContext.supplementalGroups ?? []),
    ...(podContext.fsGroup === undefined ? [] : [podContext.fsGroup]),
  ];
  const capabilities = [...boundingSet(context), ...networkCapabilities(pod, context)];
  const readOnlyRoot = context.readOnlyRootFilesystem === true;
  if (options.fullIdMap) return { uid, gid, groups, capabilities, readOnlyRoot, unmappedUid: undefined };
  // With one id the proxy tells its traffic apart by marking its sockets, for which the kernel asks for NET_ADMIN in the pod's own network.
  const marking = uid === PROXY_UID && !capabilities.includes("net_admin") ? ["net_admin"] : [];
  return {
    uid: 0,
    gid: 0,
    groups: [],
    capabilities: [...capabilities, ...marking],
    readOnlyRoot,
    unmappedUid: uid === 0 ? undefined : uid,
  };
}

/**
 * What capturing traffic takes. Entering another network namespace takes SYS_ADMIN. Only a pod that is shown the namespaces gets it, and never without the filter of
 * syscall-filter.ts, which leaves nothing else of what that capability can do; with BPF on top, programs that capture by eBPF.
 */
function networkCapabilities(pod: Pod, context: NonNullable<Container["securityContext"]>): readonly string[] {
  const add = (context.capabilities?.add ?? []).map(plain);
  if (!add.includes("sys_admin") || !(pod.spec?.volumes ?? []).some(showsNetworks)) return [];
  return add.includes("bpf") ? ["sys_admin", "bpf"] : ["sys_admin"];
}

const plain = (name: string): string => name.toLowerCase().replace(/^cap_/, "");

function boundingSet(context: NonNullable<Container["securityContext"]>): readonly string[] {
  const drop = new Set((context.capabilities?.drop ?? []).map(plain));
  const add = (context.capabilities?.add ?? []).map(plain);
  const asked =
    add.includes("all") || context.privileged === true ? [...grantable] : add.filter((name) => grantable.has(name));
  const kept = drop.has("all") ? [] : defaultCapabilities.filter((name) => !drop.has(name));
  return [...new Set([...kept, ...asked])];
}
