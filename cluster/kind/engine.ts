import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type Docker from "dockerode";
import { AppError } from "#api/errors.ts";
import { type EngineAddress, engineAddresses } from "./engine-address.ts";

/** A Docker engine that answers. */
export interface Engine {
  readonly docker: Docker;
  readonly address: EngineAddress;
  /** Podman answers Docker's API but counts as another provider for kind. */
  readonly isPodman: boolean;
  /** What the kind and docker commands need in their environment to use this very engine. */
  readonly env: Readonly<Record<string, string>>;
}

const PING_MS = 5000;

/** Finds the engine as the docker command would, then among the usual sockets. Throws DOCKER_UNAVAILABLE, which lists what was tried. */
export async function connectEngine(env: NodeJS.ProcessEnv = process.env): Promise<Engine> {
  const addresses = engineAddresses({ env, home: homedir(), platform: process.platform, read: readText });
  const failures: string[] = [];
  let denied = false;
  for (const address of addresses) {
    try {
      return await connect(address);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      denied ||= code === "EACCES";
      failures.push(`${address.from} (${address.host || "no address"}): ${code ?? textOf(error)}`);
    }
  }
  throw new AppError(
    "DOCKER_UNAVAILABLE",
    denied ? "this user may not use the Docker engine" : "no Docker engine answers",
    {
      hint: denied
        ? "Add yourself to the group docker (`sudo usermod -aG docker $USER`) and log in again, or use rootless Docker."
        : "Start Docker (Docker Desktop, Colima, Rancher Desktop, Podman or dockerd), or choose the embedded provider.",
      detail: failures.join("\n"),
    },
  );
}

async function connect(address: EngineAddress): Promise<Engine> {
  // Loaded here: most starts of the host have nothing to do with Docker.
  const { default: Client } = await import("dockerode");
  const docker = new Client(clientOptions(address));
  await Promise.race([docker.ping(), timeout(PING_MS)]);
  const { Components = [] } = (await docker.version()) as {
    readonly Components?: readonly { readonly Name: string }[];
  };
  const isPodman = Components.some(({ Name }) => Name.startsWith("Podman"));
  return {
    docker,
    address,
    isPodman,
    env: {
      DOCKER_HOST: address.host,
      ...(address.certificates === undefined ? {} : { DOCKER_CERT_PATH: address.certificates, DOCKER_TLS_VERIFY: "1" }),
      ...(isPodman ? { KIND_EXPERIMENTAL_PROVIDER: "podman", CONTAINER_HOST: address.host } : {}),
    },
  };
}

/** How dockerode names what DOCKER_HOST says. */
export function clientOptions({ host, certificates }: EngineAddress): Docker.DockerOptions {
  const file = /^(unix|npipe):\/\/(.*)$/.exec(host);
  if (file !== null) return { socketPath: file[2]! };
  if (!URL.canParse(host)) throw new Error(`"${host}" is no address of a Docker engine`);
  const url = new URL(host);
  if (url.protocol === "ssh:")
    return { protocol: "ssh", host: url.hostname, port: url.port || 22, username: url.username };
  const pem = (name: string): Buffer => readFileSync(join(certificates!, name));
  const plain = { host: url.hostname, port: url.port || (certificates === undefined ? 2375 : 2376) };
  return certificates === undefined
    ? { ...plain, protocol: url.protocol === "https:" ? "https" : "http" }
    : { ...plain, protocol: "https", ca: pem("ca.pem"), cert: pem("cert.pem"), key: pem("key.pem") };
}

async function timeout(milliseconds: number): Promise<never> {
  await delay(milliseconds, undefined, { ref: false });
  throw new Error(`no answer within ${milliseconds} ms`);
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
