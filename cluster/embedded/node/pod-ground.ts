import { join } from "node:path";
import type { Resources } from "../machinery/resources.ts";
import type { AddressPool } from "../network/addresses.ts";
import type { PodLink, PodNetwork } from "../network/pod-network.ts";
import type { ContainerHost, PodSandbox } from "./container-host.ts";
import { type Pod, podName } from "./kinds.ts";
import { type DnsDefaults, hostsFile, podHostname, resolvConf } from "./pod-files.ts";
import { PodVolumes, type VolumeHost, writePodEtc } from "./volumes.ts";

/** What every pod of a node shares. */
export interface PodHost {
  readonly resources: Resources;
  readonly containers: ContainerHost;
  readonly volumes: VolumeHost;
  readonly network: PodNetwork;
  readonly addresses: AddressPool;
  /** Address of the node that the pod is on. */
  readonly hostIp: string;
  readonly dns: DnsDefaults;
  /** Folder of the sandbox's tmpfs for what a pod has outside of its volumes. */
  readonly runDir: string;
}

/** Namespace of the calling process: the node's. */
const NODE_NETWORK = "/proc/1/ns/net";

/** What the containers of a pod stand on: its network, address, volumes and files. */
export class PodGround {
  readonly #host: PodHost;
  readonly #pod: () => Pod;
  #link: PodLink | undefined;
  #netns: string | undefined;
  #volumes: PodVolumes | undefined;
  #settingUp: Promise<unknown> | undefined;

  constructor(host: PodHost, pod: () => Pod) {
    this.#host = host;
    this.#pod = pod;
  }

  /** The network namespace while it exists. */
  get netns(): string | undefined {
    return this.#netns;
  }

  /** The pod's address while its network exists. */
  get address(): string | undefined {
    return this.#netns === undefined ? undefined : (this.#link?.address ?? this.#host.hostIp);
  }

  update(pod: Pod): void {
    this.#volumes?.update(pod);
  }

  /** Makes what is missing. Fails when something cannot be had now; may be called again. */
  setUp(): Promise<PodSandbox> {
    const made = this.#make();
    this.#settingUp = made.catch(() => undefined);
    return made;
  }

  /** Removes everything, also what is only just being made. */
  async tearDown(): Promise<void> {
    await this.#settingUp;
    await this.#volumes?.close();
    this.#volumes = undefined;
    this.#netns = undefined;
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    await this.#host.network.detach(link);
    this.#host.addresses.release(link.address);
  }

  async #make(): Promise<PodSandbox> {
    const pod = this.#pod();
    const address = this.#assignAddress(pod);
    const { hostIp } = this.#host;
    const runDir = join(this.#host.runDir, podName(pod).uid);
    this.#volumes ??= new PodVolumes(this.#host.volumes, pod, { podIp: address, hostIp });
    const volumes = this.#volumes;
    const [netns, , etc] = await Promise.all([this.#attach(), volumes.setUp(), this.#writeEtc(runDir, address)]);
    return { pod: this.#pod, netns, address, hostIp, hostname: podHostname(pod), volumes, runDir, etc };
  }

  /** A pod on the host's network shares the node's namespace and address. */
  #assignAddress(pod: Pod): string {
    if (pod.spec?.hostNetwork === true) return this.#host.hostIp;
    if (this.#link !== undefined) return this.#link.address;
    const address = this.#host.addresses.take(pod.status?.podIP);
    if (address === undefined) throw new Error("the node has no free pod address");
    const { namespace, name, uid } = podName(pod);
    // One file name: 255 bytes at most.
    const file = `${namespace}_${name}`.slice(0, 200).concat(`_${uid.slice(0, 8)}`);
    this.#link = { name: file, address, nodeAddress: this.#host.hostIp };
    return address;
  }

  async #attach(): Promise<string> {
    this.#netns ??= this.#link === undefined ? NODE_NETWORK : await this.#host.network.attach(this.#link);
    return this.#netns;
  }

  #writeEtc(runDir: string, address: string): ReturnType<typeof writePodEtc> {
    const { dns } = this.#host;
    const pod = this.#pod();
    return writePodEtc(join(runDir, "etc"), {
      hosts: hostsFile(pod, address, dns.domain),
      hostname: `${podHostname(pod)}\n`,
      "resolv.conf": resolvConf(pod, dns),
    });
  }
}
