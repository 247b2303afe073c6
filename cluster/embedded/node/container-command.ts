import { posix } from "node:path";
import type { Identity } from "./security.ts";

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * The parts of the machine's own file system that every container sees. All of them are mounts, none a link: a mount cannot be
 * replaced from inside, and exec runs its helpers from there before it gives its rights away.
 */
export interface BaseRoot {
  readonly mounts: readonly Mount[];
  /** Files of /etc, which is read-only. */
  readonly etc: readonly Mount[];
}

export interface ContainerCommand {
  readonly base: BaseRoot;
  readonly hostname: string;
  readonly mounts: readonly Mount[];
  readonly identity: Identity;
  readonly fullIdMap: boolean;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
}

export interface LaunchLine {
  /** Options for `bwrap --args`, which keeps environment values off the command line. */
  readonly options: readonly string[];
  /** What bwrap executes inside. */
  readonly command: readonly string[];
}

/**
 * Variables that the dynamic linker and libc act on. setpriv still has all its rights when it starts, so it must not see a pod's:
 * they are set by `env` after the rights are gone.
 */
const acted = /^(LD_|GLIBC_TUNABLES|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_|TMPDIR$)/;

/** How a container is launched: bubblewrap makes its root and namespaces, setpriv takes its rights away. Pure. */
export function launchLine(container: ContainerCommand): LaunchLine {
  const { identity } = container;
  const volumes = [...container.mounts].sort((left, right) => left.target.length - right.target.length);
  const env = Object.entries(container.env);
  const late = env.some(([name]) => acted.test(name));
  const options = [
    ...["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--hostname", container.hostname],
    ...capabilityOptions(identity),
    ...container.base.mounts.flatMap(bind),
    ...KERNEL,
    ...["--dir", "/var", "--dir", "/run", "--dir", "/root", "--tmpfs", "/etc"],
    ...parentFolders(container.base.etc).flatMap((folder) => ["--dir", folder]),
    ...container.base.etc.flatMap(bind),
    // The root is a tmpfs already; a read-only root gets no writable /tmp, as in any runtime.
    ...(identity.readOnlyRoot ? ["--dir", "/tmp"] : ["--perms", "1777", "--dir", "/tmp"]),
    ...(identity.readOnlyRoot ? [] : ["--perms", "1777", "--dir", "/var/tmp"]),
    // bubblewrap would make them for its own user alone.
    ...parentFolders(volumes).flatMap((folder) => ["--dir", folder]),
    ...volumes.flatMap(bind),
    ...["--remount-ro", "/etc", ...(identity.readOnlyRoot ? ["--remount-ro", "/"] : [])],
    ...["--chdir", container.workdir, "--clearenv"],
    ...(late ? [] : env.flatMap(([name, value]) => ["--setenv", name, value])),
  ];
  const inside = late ? ["/usr/bin/env", "-i", ...env.map(([name, value]) => `${name}=${value}`)] : [];
  return { options, command: [...privileges(identity, container.fullIdMap), ...inside, ...container.command] };
}

/** Folders on the way to the mounts, outermost first. */
function parentFolders(mounts: readonly Mount[]): readonly string[] {
  const folders = new Set<string>();
  for (const { target } of mounts) {
    for (let at = target.indexOf("/", 1); at !== -1; at = target.indexOf("/", at + 1)) folders.add(target.slice(0, at));
  }
  return [...folders].toSorted((left, right) => left.length - right.length);
}

/** Kernel settings of the whole machine obey user 0 alone, whatever its capabilities: as real root they would be the way out. */
const KERNEL: readonly string[] = [
  ...["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"],
  ...["--ro-bind-try", "/proc/sysrq-trigger", "/proc/sysrq-trigger", "--dev", "/dev"],
];

/** Process 1 of a container keeps what setpriv needs to give rights away, and no more: programs inside might trace it. */
function capabilityOptions(identity: Identity): string[] {
  const kept = new Set(["setuid", "setgid", "setpcap", ...identity.capabilities]);
  return ["--cap-drop", "ALL", ...[...kept].flatMap((name) => ["--cap-add", `CAP_${name.toUpperCase()}`])];
}

/**
 * Whether a volume there would hide programs that launching and exec run with all rights. Such mounts are refused.
 */
export function isProtected(target: string): boolean {
  const path = `${posix.normalize(target).replace(/\/$/, "")}/`;
  return protectedFolders.some((folder) => path.startsWith(folder) || folder.startsWith(path));
}

const protectedFolders: readonly string[] = [
  ...["/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/", "/usr/libx32/", "/bin/", "/sbin/"],
  ...["/lib/", "/lib32/", "/lib64/", "/libx32/", "/etc/ld.so.cache/", "/etc/ld.so.preload/", "/proc/"],
];

/** The setpriv call that turns the sandbox's root into the container's user. Also used for exec. */
export function privileges(identity: Identity, fullIdMap: boolean): readonly string[] {
  const groups = identity.groups.length === 0 ? ["--clear-groups"] : ["--groups", identity.groups.join(",")];
  const ids = fullIdMap ? ["--reuid", String(identity.uid), "--regid", String(identity.gid), ...groups] : [];
  const bounding = ["-all", ...identity.capabilities.map((name) => `+${name}`)].join(",");
  return [
    "/usr/bin/setpriv",
    ...ids,
    "--inh-caps",
    "-all",
    "--ambient-caps",
    "-all",
    "--bounding-set",
    bounding,
    "--no-new-privs",
    "--",
  ];
}

function bind(mount: Mount): string[] {
  return [mount.readOnly ? "--ro-bind" : "--bind", mount.source, mount.target];
}
