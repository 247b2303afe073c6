import { access, chmod, constants, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerCommand, Mount } from "./container-command.ts";
import type { ContainerHost, PodSandbox } from "./container-host.ts";
import { containerEnv, expand } from "./env.ts";
import type { Image } from "./images.ts";
import type { Container, Service } from "./kinds.ts";
import { containerIdentity } from "./security.ts";

/** Why a container cannot be started, in the words of a waiting state. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: "ErrImagePull" | "InvalidImageName" | "CreateContainerConfigError" | "RunContainerError";

  constructor(reason: StartError["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface ContainerPlan {
  readonly image: Image;
  readonly command: ContainerCommand;
}

/** Turns a container's specification into what is launched. Fails with StartError. */
export async function planContainer(
  host: ContainerHost,
  sandbox: PodSandbox,
  container: Container,
): Promise<ContainerPlan> {
  const reference = container.image ?? "";
  if (reference === "") throw new StartError("InvalidImageName", "the container names no image");
  const image = host.images.find(reference);
  if (image === undefined) {
    const known = host.images.all().flatMap((one) => one.references);
    throw new StartError(
      "ErrImagePull",
      `image "${reference}" is not in the catalogue of the embedded cluster, which has ${known.join(", ") || "none"}; use kind for other images`,
    );
  }
  try {
    const identity = containerIdentity(sandbox.pod(), container, { image, fullIdMap: host.fullIdMap });
    const env = environment(host, { sandbox, container, image, home: identity.uid === 0 ? "/root" : "/" });
    const [mounts, termination] = await Promise.all([
      sandbox.volumes.mounts(container, env),
      terminationLog(sandbox.runDir, container),
    ]);
    const command = argumentsOf(container, image, env);
    if (command.length === 0) throw new StartError("RunContainerError", "no command specified");
    await requireExecutable(command[0] ?? "", { path: env.PATH ?? "", image });
    return {
      image,
      command: {
        base: host.base,
        hostname: sandbox.hostname,
        mounts: [
          { source: image.path, target: imageRoot(image), readOnly: true },
          ...sandbox.etc,
          termination,
          ...mounts,
        ],
        identity,
        fullIdMap: host.fullIdMap,
        workdir: container.workingDir ?? image.workdir,
        env,
        command,
      },
    };
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError("CreateContainerConfigError", error instanceof Error ? error.message : String(error));
  }
}

const imageRoot = (image: Image): string => `/opt/slipway/${image.name}`;
const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function environment(
  host: ContainerHost,
  context: { sandbox: PodSandbox; container: Container; image: Image; home: string },
): Record<string, string> {
  const { sandbox, container, image } = context;
  const pod = sandbox.pod();
  const namespace = pod.metadata.namespace ?? "default";
  const links = pod.spec?.enableServiceLinks !== false;
  const visible = (service: Service): boolean => {
    const isKubernetes = service.metadata.namespace === "default" && service.metadata.name === "kubernetes";
    return isKubernetes || (links && service.metadata.namespace === namespace);
  };
  return containerEnv(container, {
    pod,
    podIp: sandbox.address,
    hostIp: sandbox.hostIp,
    imageEnv: {
      PATH: `${imageRoot(image)}/bin:${SYSTEM_PATH}`,
      HOME: context.home,
      HOSTNAME: sandbox.hostname,
      ...image.env,
    },
    configMap: (name) => host.configMaps.get(namespace, name),
    secret: (name) => host.secrets.get(namespace, name),
    services: [...host.services.all()].filter(visible),
  });
}

/** Source: "Define a Command and Arguments for a Container" in the Kubernetes documentation: command alone drops the image's arguments. */
function argumentsOf(container: Container, image: Image, env: Readonly<Record<string, string>>): readonly string[] {
  const command = container.command ?? image.entrypoint;
  const args = container.args ?? (container.command === undefined ? image.cmd : []);
  return [...command, ...args].map((text) => expand(text, env));
}

/**
 * Says at once that a program does not exist. A path in a volume cannot be judged from here; there the exit status 127 tells.
 */
async function requireExecutable(program: string, where: { path: string; image: Image }): Promise<void> {
  const candidates = program.includes("/") ? [program] : where.path.split(":").map((folder) => join(folder, program));
  for (const candidate of candidates) {
    const outside = outsidePath(candidate, where.image);
    if (outside === undefined) return;
    const usable = await access(outside, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return;
  }
  const what = program.includes("/") ? "no such file or directory" : "executable file not found in $PATH";
  throw new StartError("RunContainerError", `failed to start container: exec: "${program}": ${what}`);
}

function outsidePath(inside: string, image: Image): string | undefined {
  const root = `${imageRoot(image)}/`;
  if (inside.startsWith(root)) return join(image.path, inside.slice(root.length));
  if (inside === "/usr/local/bin/node") return process.execPath;
  if (inside.startsWith("/usr/local/")) return join("/nonexistent", inside);
  return /^\/(usr|bin|sbin|lib)\//.test(inside) ? inside : undefined;
}

const MAX_TERMINATION_MESSAGE = 4096;
const terminationFile = (runDir: string, container: string): string => join(runDir, "termination", container);

/** The file into which a container may write why it ends. */
async function terminationLog(runDir: string, container: Container): Promise<Mount> {
  const source = terminationFile(runDir, container.name);
  await mkdir(join(runDir, "termination"), { recursive: true });
  await writeFile(source, "");
  await chmod(source, 0o666);
  return { source, target: container.terminationMessagePath ?? "/dev/termination-log", readOnly: false };
}

/** What the container has written into its termination log; empty when nothing. */
export async function readTerminationMessage(runDir: string, container: string): Promise<string> {
  const text = await readFile(terminationFile(runDir, container), "utf8").catch(() => "");
  return text.slice(0, MAX_TERMINATION_MESSAGE);
}
