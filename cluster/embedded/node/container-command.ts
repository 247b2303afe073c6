import type { Identity } from "./security.ts";

export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** The parts of the machine's own file system that every container sees. */
export interface BaseRoot {
  /** /bin, /sbin, /lib, …: links into /usr, or folders of their own on older systems. */
  readonly links: readonly { readonly target: string; readonly path: string }[];
  readonly mounts: readonly Mount[];
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
    ...container.base.links.flatMap((link) => ["--symlink", link.target, link.path]),
    ...container.base.mounts.flatMap(bind),
    // Kernel settings of the whole machine obey user 0 alone, whatever its capabilities: as real root this is the way out.
    ...[
      "--proc",
      "/proc",
      "--ro-bind",
      "/proc/sys",
      "/proc/sys",
      "--ro-bind-try",
      "/proc/sysrq-trigger",
      "/proc/sysrq-trigger",
    ],
    ...["--dev", "/dev", "--dir", "/var", "--dir", "/run", "--dir", "/root"],
    // The root is a tmpfs already; a read-only root gets no writable /tmp, as in any runtime.
    ...(identity.readOnlyRoot
      ? ["--dir", "/tmp"]
      : ["--perms", "1777", "--dir", "/tmp", "--perms", "1777", "--dir", "/var/tmp"]),
    ...volumes.flatMap(bind),
    ...(identity.readOnlyRoot ? ["--remount-ro", "/"] : []),
    ...["--chdir", container.workdir, "--clearenv"],
    ...(late ? [] : env.flatMap(([name, value]) => ["--setenv", name, value])),
  ];
  const inside = late ? ["/usr/bin/env", "-i", ...env.map(([name, value]) => `${name}=${value}`)] : [];
  return { options, command: [...privileges(identity, container.fullIdMap), ...inside, ...container.command] };
}

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
