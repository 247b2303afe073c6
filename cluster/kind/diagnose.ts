import { AppError, type ErrorCode } from "#api/errors.ts";
import { RAISE_INOTIFY } from "./preflight.ts";

interface Cause {
  readonly sign: RegExp;
  readonly code: ErrorCode;
  readonly message: (match: RegExpExecArray) => string;
  readonly hint: string;
}

/** What a failing engine or kind says, and what it means. The first that fits is taken: special ones come first. */
const causes: readonly Cause[] = [
  {
    sign: /cannot connect to the docker daemon|is the docker daemon running|error during connect|ECONNREFUSED|dial unix .*(no such file|connection refused)/i,
    code: "DOCKER_UNAVAILABLE",
    message: () => "the Docker engine does not answer",
    hint: "Start Docker and try again.",
  },
  {
    sign: /permission denied .*docker.*sock|EACCES.*docker/i,
    code: "DOCKER_UNAVAILABLE",
    message: () => "this user may not use the Docker engine",
    hint: "Add yourself to the group docker and log in again.",
  },
  {
    sign: /(?:bind for|listen tcp[46]?|ports are not available)[^\n]*?:(\d+)\b[^\n]*?(?:port is already allocated|address already in use)/i,
    code: "PORT_TAKEN",
    message: ([, port]) => `port ${port} of this machine is in use by another program`,
    hint: "End that program, or choose another port in the cluster's settings.",
  },
  {
    sign: /too many open files|inotify|no space left on device.*(?:watch|inotify)|failed to create fsnotify watcher/i,
    code: "INOTIFY_LIMIT",
    message: () => "the system's limit of inotify watches or instances is reached",
    hint: RAISE_INOTIFY,
  },
  {
    sign: /no space left on device|disk quota exceeded/i,
    code: "DISK_FULL",
    message: () => "there is no space left on the Docker engine's disk",
    hint: "Free some: `docker system prune` removes what no container uses.",
  },
  {
    sign: /failed to pull image "?([^"\s]+)|pull access denied for ([^\s,]+)|no such image:? ?([^\s]*)|manifest for ([^\s]+) not found/i,
    code: "IMAGE_NOT_FOUND",
    message: (match) =>
      `the image ${match.slice(1).find((name) => name) ?? ""} is neither on the engine nor to be had from a registry`,
    hint: "Check the name and the network, or give one that the engine has (`docker images`) in the settings: nodeImage, baseImage.",
  },
  {
    sign: /out of memory|oom-?kill|cannot allocate memory|signal: killed/i,
    code: "OUT_OF_MEMORY",
    message: () => "the Docker engine ran out of memory",
    hint: "Give it more (Docker Desktop: Settings, Resources), or take fewer nodes: one node needs about 2 GB.",
  },
  {
    sign: /node\(s\) already exist for a cluster with the name "([^"]+)"/i,
    code: "ALREADY_RUNNING",
    message: ([, name]) => `there is a kind cluster "${name}" that Slipway did not make`,
    hint: "Choose another name, or remove it with `kind delete cluster --name`.",
  },
  {
    sign: /kubelet is configured to not run on a host using cgroup v1|failCgroupV1/i,
    code: "CLUSTER_START_FAILED",
    message: () => "the kubelet refuses to run on a machine with cgroup v1",
    hint: "Boot with cgroup v2, or set failCgroupV1: false for the kubelet in the configuration patch.",
  },
  {
    sign: /failed to (init|join) node with kubeadm[\s\S]*?(timed out|timeout|deadline exceeded|not healthy after|unhealthy)/i,
    code: "TIMEOUT",
    message: ([, verb]) =>
      `Kubernetes was not up in time on ${verb === "init" ? "the first node" : "a further node"}: kubeadm waits four minutes at most`,
    hint: "Mostly the machine had too much to do: try again when it is quieter, or take fewer nodes. The details have what the nodes wrote.",
  },
  {
    sign: /could not find a log line that matches/i,
    code: "CLUSTER_START_FAILED",
    message: () => "the system in a node did not come up within the half minute that kind gives it",
    hint: "Mostly the machine had too much to do: try again, or take fewer nodes. The details have what the nodes wrote.",
  },
];

/** Characters of a tool's output that are kept for people to look at. */
const DETAIL = 6000;

/** The error that names the cause of a failure by what a tool has written. */
export function diagnose(what: string, output: string): AppError {
  // What failed is said at the beginning, why at the end; between them lies what nobody needs.
  const failed = output.match(/^ERROR:?.*$/m)?.[0];
  const end = output.slice(-DETAIL);
  const detail = failed === undefined || end.includes(failed) ? end : `${failed}\n…\n${end}`;
  for (const { sign, code, message, hint } of causes) {
    const match = sign.exec(output);
    if (match !== null) return new AppError(code, message(match), { hint, detail });
  }
  return new AppError("CLUSTER_START_FAILED", `${what}: ${failed ?? lastLine(output)}`, { detail });
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1) ?? "";
