import { chmod, chown, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { IVolume } from "kubernetes-models/v1/Volume";
import type { ObjectCache } from "../machinery/cache.ts";
import type { Clock, Logger } from "../machinery/clock.ts";
import type { Disposer } from "../machinery/resources.ts";
import { writeAtomically } from "./atomic-files.ts";
import { isProtected, type Mount } from "./container-command.ts";
import { expand } from "./env.ts";
import { hostFolder } from "./host-folders.ts";
import { type ConfigMap, type Container, type Pod, podName, type Secret } from "./kinds.ts";
import { type Payload, type PayloadSources, samePayload, VolumeError, volumePayload } from "./payload.ts";
import type { PodFacts } from "./pod-fields.ts";
import { type MintToken, PodTokens } from "./tokens.ts";

export interface VolumeHost {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly configMaps: ObjectCache<ConfigMap>;
  readonly secrets: ObjectCache<Secret>;
  readonly mintToken: MintToken;
  /** The cluster's CA in PEM: stands in for kube-root-ca.crt while its controller has not made it in a new namespace. */
  readonly clusterCa: string;
  /** On the sandbox's own tmpfs: vanishes with it. */
  readonly memoryDir: string;
  /** In the state folder. */
  readonly diskDir: string;
  /** fsGroup needs real ids. */
  readonly fullIdMap: boolean;
}

/** The volumes of one running pod. */
export class PodVolumes {
  readonly #host: VolumeHost;
  readonly #facts: PodFacts;
  readonly #tokens: PodTokens;
  readonly #written = new Map<string, Payload>();
  readonly #disposers: Disposer[] = [];
  #pod: Pod;
  #renewal: Disposer | undefined;
  #busy: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(host: VolumeHost, pod: Pod, facts: PodFacts) {
    this.#host = host;
    this.#pod = pod;
    this.#facts = facts;
    const name = podName(pod);
    this.#tokens = new PodTokens(host.mintToken, {
      namespace: name.namespace,
      serviceAccount: pod.spec?.serviceAccountName ?? "default",
      pod: name,
    });
  }

  /** Makes every volume. Throws VolumeError when one cannot be made now; may be called again. */
  async setUp(): Promise<void> {
    await this.#refresh(true);
    const mine = (object: ConfigMap | Secret | undefined): boolean =>
      object?.metadata.namespace === this.#pod.metadata.namespace;
    if (this.#disposers.length > 0) return;
    this.#disposers.push(
      this.#host.configMaps.onChange(({ before, after }) => mine(after ?? before) && this.#refreshSoon()),
      this.#host.secrets.onChange(({ before, after }) => mine(after ?? before) && this.#refreshSoon()),
    );
  }

  /** Labels and annotations may have changed: downwardAPI files follow. */
  update(pod: Pod): void {
    const before = this.#pod.metadata;
    this.#pod = pod;
    if (
      this.#disposers.length > 0 &&
      (before.labels !== pod.metadata.labels || before.annotations !== pod.metadata.annotations)
    )
      this.#refreshSoon();
  }

  /** What a container sees of the volumes. Throws VolumeError for a mount whose volume the pod does not have. */
  async mounts(container: Container, env: Readonly<Record<string, string>>): Promise<readonly Mount[]> {
    const mounts = await Promise.all(
      (container.volumeMounts ?? []).map(async (mount) => {
        const volume = this.#pod.spec?.volumes?.find((one) => one.name === mount.name);
        if (volume === undefined) throw new VolumeError(`volume mount "${mount.name}" names no volume of the pod`);
        if (isProtected(mount.mountPath))
          throw new VolumeError(`mountPath ${mount.mountPath} would hide the system's programs`);
        const subPath = mount.subPathExpr === undefined ? mount.subPath : expand(mount.subPathExpr, env);
        const source =
          subPath === undefined || subPath === "" ? this.#path(volume) : await this.#subPath(volume, subPath);
        return { source, target: mount.mountPath, readOnly: mount.readOnly === true || volume.emptyDir === undefined };
      }),
    );
    await makeNestedMountPoints(mounts);
    return mounts;
  }

  /** Ends updates and removes everything. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#renewal?.();
    for (const dispose of this.#disposers.splice(0)) dispose();
    await this.#busy;
    const { uid } = podName(this.#pod);
    await Promise.all(
      [this.#host.memoryDir, this.#host.diskDir].map((folder) =>
        rm(join(folder, uid), { recursive: true, force: true, maxRetries: 3 }),
      ),
    );
  }

  #refreshSoon(): void {
    this.#busy = this.#busy
      .then(() => (this.#closed ? undefined : this.#refresh(false)))
      .catch((error: unknown) =>
        this.#host.logger.warn({ pod: podName(this.#pod), error: String(error) }, "a volume could not be updated"),
      );
  }

  async #refresh(first: boolean): Promise<void> {
    const volumes = this.#pod.spec?.volumes ?? [];
    await this.#tokens.prepare(volumes.flatMap(tokenRequests), this.#host.clock.now());
    await Promise.all(volumes.map((volume) => this.#fill(volume, first)));
    const next = this.#tokens.nextRenewal();
    this.#renewal?.();
    if (next !== undefined && !this.#closed)
      this.#renewal = this.#host.clock.after(Math.max(1000, next - this.#host.clock.now()), () => this.#refreshSoon());
  }

  async #fill(volume: IVolume, first: boolean): Promise<void> {
    const path = this.#path(volume);
    const group = this.#host.fullIdMap ? this.#pod.spec?.securityContext?.fsGroup : undefined;
    if (volume.emptyDir !== undefined) {
      if (!first) return;
      await mkdir(path, { recursive: true });
      if (group !== undefined) await chown(path, 0, group);
      await chmod(path, group === undefined ? 0o777 : 0o2777);
      return;
    }
    if (hostFolder(volume) !== undefined) return;
    const payload = volumePayload(volume, this.#sources());
    if (payload === undefined) throw new VolumeError(unsupported(volume));
    const written = this.#written.get(volume.name);
    if (written !== undefined && samePayload(written, payload)) return;
    await writeAtomically(path, payload, group);
    this.#written.set(volume.name, payload);
  }

  #sources(): PayloadSources {
    const namespace = this.#pod.metadata.namespace ?? "default";
    return {
      pod: this.#pod,
      facts: this.#facts,
      configMap: (name) =>
        this.#host.configMaps.get(namespace, name) ?? (name === ROOT_CA ? rootCa(this.#host.clusterCa) : undefined),
      secret: (name) => this.#host.secrets.get(namespace, name),
      token: ({ audience, expirationSeconds }) => this.#tokens.get(audience, expirationSeconds),
    };
  }

  #path(volume: IVolume): string {
    const shown = hostFolder(volume);
    if (shown !== undefined) return shown;
    const onDisk = volume.emptyDir !== undefined && volume.emptyDir.medium !== "Memory";
    return join(onDisk ? this.#host.diskDir : this.#host.memoryDir, podName(this.#pod).uid, "volumes", volume.name);
  }

  async #subPath(volume: IVolume, subPath: string): Promise<string> {
    if (subPath.startsWith("/") || subPath.split("/").includes(".."))
      throw new VolumeError(`subPath "${subPath}" must stay inside the volume`);
    const path = join(this.#path(volume), subPath);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined && volume.emptyDir !== undefined) await mkdir(path, { recursive: true, mode: 0o777 });
    else if (found === undefined) throw new VolumeError(`volume "${volume.name}" has no file "${subPath}"`);
    return path;
  }
}

/** A volume that is mounted inside another one needs a folder there, which cannot be made any more once that one is mounted. */
async function makeNestedMountPoints(mounts: readonly Mount[]): Promise<void> {
  for (const inner of mounts) {
    const outer = mounts
      .filter(({ target }) => inner.target.startsWith(`${target}/`))
      .toSorted((a, b) => b.target.length - a.target.length)[0];
    if (outer !== undefined)
      await mkdir(join(outer.source, inner.target.slice(outer.target.length)), { recursive: true });
  }
}

const ROOT_CA = "kube-root-ca.crt";

const rootCa = (pem: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: ROOT_CA },
  data: { "ca.crt": pem },
});

function tokenRequests(volume: IVolume): { audience: string | undefined; expirationSeconds: number }[] {
  return (volume.projected?.sources ?? []).flatMap(({ serviceAccountToken: token }) =>
    token === undefined ? [] : [{ audience: token.audience, expirationSeconds: token.expirationSeconds ?? 3600 }],
  );
}

function unsupported(volume: IVolume): string {
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "unknown";
  const reason =
    kind === "hostPath"
      ? "pods of the embedded cluster do not see the machine's files (only the network namespaces, /var/run/netns)"
      : "the embedded cluster has no such storage";
  return `volume "${volume.name}" is of kind ${kind}: ${reason}; use emptyDir, configMap, secret, downwardAPI or projected`;
}

/** The files of /etc that are a pod's own. Gives their mounts. */
export async function writePodEtc(folder: string, files: Readonly<Record<string, string>>): Promise<readonly Mount[]> {
  return Promise.all(
    Object.entries(files).map(async ([name, text]) => {
      const source = join(folder, name);
      await mkdir(dirname(source), { recursive: true });
      await writeFile(source, text);
      return { source, target: `/etc/${name}`, readOnly: false };
    }),
  );
}
