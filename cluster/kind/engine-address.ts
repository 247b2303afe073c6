import { createHash } from "node:crypto";
import { join } from "node:path";

/** Where a Docker engine may be listening, and who says so. */
export interface EngineAddress {
  /** As DOCKER_HOST has it: unix:///path, npipe:////./pipe/name, tcp://host:port, ssh://user@host. */
  readonly host: string;
  /** For messages: "DOCKER_HOST", "context colima", "Podman's socket". */
  readonly from: string;
  /** Folder with ca.pem, cert.pem and key.pem for a tcp address with TLS. */
  readonly certificates?: string;
}

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly platform: NodeJS.Platform;
  /** Text of a file; undefined if there is none. */
  readonly read: (path: string) => string | undefined;
}

/**
 * Every address to try, best first. What the user chose by DOCKER_HOST or by a context stands alone, as for the docker command;
 * else the sockets of the usual engines are tried.
 */
export function engineAddresses(surroundings: Surroundings): readonly EngineAddress[] {
  const { env } = surroundings;
  const certificates = env.DOCKER_TLS_VERIFY && env.DOCKER_CERT_PATH ? { certificates: env.DOCKER_CERT_PATH } : {};
  if (env.DOCKER_HOST) return [{ host: env.DOCKER_HOST, from: "DOCKER_HOST", ...certificates }];
  const context = chosenContext(surroundings);
  return context === undefined ? usualSockets(surroundings) : [context];
}

function chosenContext({ env, home, read }: Surroundings): EngineAddress | undefined {
  const folder = env.DOCKER_CONFIG || join(home, ".docker");
  const name = env.DOCKER_CONTEXT || field(parsed(read(join(folder, "config.json"))), "currentContext");
  if (typeof name !== "string" || name === "" || name === "default") return undefined;
  // The docker command keeps a context under the SHA-256 of its name.
  const id = createHash("sha256").update(name).digest("hex");
  const meta = parsed(read(join(folder, "contexts/meta", id, "meta.json")));
  const host = field(field(field(meta, "Endpoints"), "docker"), "Host");
  const from = `Docker context "${name}"`;
  if (typeof host !== "string") return { host: "", from };
  return host.startsWith("tcp:")
    ? { host, from, certificates: join(folder, "contexts/tls", id, "docker") }
    : { host, from };
}

function usualSockets({ env, home, platform }: Surroundings): readonly EngineAddress[] {
  if (platform === "win32") return [{ host: "npipe:////./pipe/docker_engine", from: "Docker Desktop" }];
  const run = env.XDG_RUNTIME_DIR;
  const sockets: readonly (readonly [from: string, path: string])[] = [
    ["Docker", "/var/run/docker.sock"],
    ...(run === undefined ? [] : ([["Docker of this user", join(run, "docker.sock")]] as const)),
    ["Docker Desktop", join(home, ".docker/run/docker.sock")],
    ["Docker Desktop", join(home, ".docker/desktop/docker.sock")],
    ["Colima", join(home, ".colima/default/docker.sock")],
    ["Rancher Desktop", join(home, ".rd/docker.sock")],
    ...(run === undefined ? [] : ([["Podman of this user", join(run, "podman/podman.sock")]] as const)),
    ["Podman", "/run/podman/podman.sock"],
  ];
  return sockets.map(([from, path]) => ({ host: `unix://${path}`, from }));
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
