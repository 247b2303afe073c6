import { access, constants, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { AppError } from "#api/errors.ts";
import { CommandError, run } from "./run.ts";

/**
 * How the sandbox gets its rights: as root, in a user namespace with a range of ids (user ids inside are real), or in one that
 * maps a single id (then every process inside has the same id).
 */
export type SandboxMode = "root" | "user" | "user-single";

/** Directories that hold the tools; an ordinary user's PATH often lacks the sbin ones. */
export const toolPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

interface Tool {
  readonly name: string;
  readonly debianPackage: string;
}

const tools: readonly Tool[] = [
  { name: "unshare", debianPackage: "util-linux" },
  { name: "flock", debianPackage: "util-linux" },
  { name: "nsenter", debianPackage: "util-linux" },
  { name: "setpriv", debianPackage: "util-linux" },
  { name: "ip", debianPackage: "iproute2" },
  { name: "iptables", debianPackage: "iptables" },
  { name: "iptables-restore", debianPackage: "iptables" },
  { name: "bwrap", debianPackage: "bubblewrap" },
];

/** The flags that make the namespaces of each mode. */
export function unshareArguments(mode: SandboxMode): readonly string[] {
  const common = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  switch (mode) {
    case "root":
      return common;
    case "user":
      return ["--user", "--map-root-user", "--map-auto", ...common];
    case "user-single":
      return ["--user", "--map-root-user", ...common];
  }
}

/**
 * Finds the best mode that really works here, by trying. Fails with TOOL_MISSING (and the packages to install) or
 * NAMESPACES_DENIED (and the setting that denies it).
 */
export async function checkSandbox(): Promise<SandboxMode> {
  const missing = await missingTools();
  if (missing.length > 0) throw toolsMissing(missing);
  let refusal: CommandError | undefined;
  for (const mode of await candidateModes()) {
    const failure = await tryMode(mode);
    if (failure === undefined) return mode;
    refusal ??= failure;
  }
  throw await namespacesDenied(refusal);
}

async function missingTools(): Promise<readonly Tool[]> {
  const found = await Promise.all(tools.map((tool) => findTool(tool.name)));
  return tools.filter((_, index) => found[index] === undefined);
}

async function findTool(name: string): Promise<string | undefined> {
  for (const folder of toolPath.split(":")) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

function toolsMissing(missing: readonly Tool[]): AppError {
  const packages = [...new Set(missing.map((tool) => tool.debianPackage))].join(" ");
  return new AppError(
    "TOOL_MISSING",
    `The embedded cluster needs ${missing.map((tool) => tool.name).join(", ")}, which ${missing.length === 1 ? "is" : "are"} not installed`,
    {
      hint: `Install with: sudo apt-get install ${packages} (on other systems the packages have similar names).`,
    },
  );
}

async function candidateModes(): Promise<readonly SandboxMode[]> {
  if (process.getuid?.() === 0) return ["root", "user-single"];
  return (await hasSubordinateIds()) ? ["user", "user-single"] : ["user-single"];
}

/** Whether newuidmap may map a range for this user: the tools are there and /etc/subuid and /etc/subgid name the user. */
async function hasSubordinateIds(): Promise<boolean> {
  const helpers = await Promise.all([findTool("newuidmap"), findTool("newgidmap")]);
  if (helpers.includes(undefined)) return false;
  const user = userInfo();
  const lists = await Promise.all(["/etc/subuid", "/etc/subgid"].map((path) => readFile(path, "utf8").catch(() => "")));
  return lists.every((list) =>
    list.split("\n").some((line) => line.startsWith(`${user.username}:`) || line.startsWith(`${user.uid}:`)),
  );
}

/** Everything the cluster does with its rights, once and quickly: a private mount, a named namespace, a veth pair, NAT, a container. */
const trial = [
  "mount -t tmpfs tmpfs /run",
  "ip netns add trial",
  "ip link add trial0 type veth peer name trial1 netns trial",
  "iptables -t nat -S >/dev/null",
  "bwrap --unshare-pid --unshare-ipc --unshare-uts --ro-bind / / --proc /proc --dev /dev true",
].join(" && ");

async function tryMode(mode: SandboxMode): Promise<CommandError | undefined> {
  try {
    await run(["unshare", ...unshareArguments(mode), "sh", "-c", trial], {
      env: { PATH: toolPath, LC_ALL: "C" },
      timeoutMs: 10_000,
    });
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error;
    throw error;
  }
}

async function namespacesDenied(refusal: CommandError | undefined): Promise<AppError> {
  const hints = await denyingSettings();
  return new AppError(
    "NAMESPACES_DENIED",
    "This system does not let this user create the network, mount and process namespaces of the embedded cluster",
    {
      hint: [...hints, "Or run Slipway as root, or choose kind as the cluster."].join("\n"),
      ...(refusal === undefined ? {} : { detail: refusal.message }),
    },
  );
}

interface DenyingSetting {
  readonly path: string;
  readonly denies: (value: number) => boolean;
  readonly advice: string;
}

const denying: readonly DenyingSetting[] = [
  {
    path: "/proc/sys/kernel/unprivileged_userns_clone",
    denies: (value) => value === 0,
    advice: "kernel.unprivileged_userns_clone is 0. Allow it with: sudo sysctl -w kernel.unprivileged_userns_clone=1",
  },
  {
    path: "/proc/sys/user/max_user_namespaces",
    denies: (value) => value === 0,
    advice: "user.max_user_namespaces is 0. Allow it with: sudo sysctl -w user.max_user_namespaces=15000",
  },
  {
    path: "/proc/sys/user/max_net_namespaces",
    denies: (value) => value < 50,
    advice: "user.max_net_namespaces is too small. Raise it with: sudo sysctl -w user.max_net_namespaces=15000",
  },
  {
    path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    denies: (value) => value === 1,
    advice:
      "AppArmor restricts user namespaces (as on Ubuntu 24.04). Allow them with: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
  },
];

async function denyingSettings(): Promise<readonly string[]> {
  const values = await Promise.all(denying.map((setting) => readFile(setting.path, "utf8").catch(() => "")));
  return denying
    .filter((setting, index) => values[index] !== "" && setting.denies(Number(values[index])))
    .map((setting) => setting.advice);
}
