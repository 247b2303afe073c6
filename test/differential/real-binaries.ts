import { type ChildProcess, execFile, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { kubeconfigOf } from "#cluster/embedded/apiserver/admin-kubeconfig.ts";
import { type ClusterCertificates, openCertificates } from "#cluster/embedded/apiserver/certificates.ts";
import { kubeconfigConnection } from "#kube/kubeconfig.ts";
import { rawClient } from "./client.ts";
import type { RealCluster } from "./real.ts";

const READY_MS = 120_000;
export const programs = ["etcd", "kube-apiserver", "kube-controller-manager"] as const;

/**
 * Kubernetes without a node on loopback, from a folder that holds its programs: no Docker, a few seconds, and webhooks on the
 * machine itself are reached. Nothing is left when it stops.
 */
export async function startBinaries(binaries: string): Promise<RealCluster> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-real-"));
  const [api, peer, store] = [await freePort(), await freePort(), await freePort()];
  const certificates = await openCertificates(folder, { dns: ["localhost", "kubernetes"], ip: ["127.0.0.1"] });
  const server = `https://127.0.0.1:${api}`;
  const files = await writeFiles(folder, certificates, server);
  const running: ChildProcess[] = [];
  const start = (program: (typeof programs)[number], args: readonly string[]): ChildProcess => {
    const log = openSync(join(folder, `${program}.log`), "a");
    const child = spawn(join(binaries, program), args, { stdio: ["ignore", log, log] });
    running.push(child);
    return child;
  };
  const etcd = (): ChildProcess => start("etcd", etcdArgs(join(folder, "etcd"), { store, peer }));
  const apiServer = (): ChildProcess => start("kube-apiserver", apiServerArgs(files, { api, store }));
  const stop = async (): Promise<void> => {
    await Promise.all(running.toReversed().map(end));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    etcd();
    let current = apiServer();
    const client = await rawClient(kubeconfigConnection(files.kubeconfig));
    const ready = async (): Promise<void> => {
      const deadline = Date.now() + READY_MS;
      for (;;) {
        const code = await client.send({ method: "GET", path: "/readyz" }).then(
          (answer) => answer.code,
          () => 0,
        );
        if (code === 200) return;
        if (Date.now() > deadline || current.exitCode !== null)
          throw new Error(
            `kube-apiserver is not ready: ${(await readFile(join(folder, "kube-apiserver.log"), "utf8")).slice(-2000)}`,
          );
        await pause(200);
      }
    };
    await ready();
    start("kube-controller-manager", controllerArgs(files));
    return {
      client,
      kubeconfig: files.kubeconfig,
      hasNode: false,
      restart: async () => {
        await end(current);
        current = apiServer();
        await ready();
      },
      stop: async () => {
        client.close();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Files {
  readonly kubeconfig: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly tokenKey: string;
  readonly tokenPublicKey: string;
}

async function writeFiles(folder: string, certificates: ClusterCertificates, server: string): Promise<Files> {
  const write = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const tokenKey = await write("token.key", certificates.tokenKey);
  const { stdout } = await promisify(execFile)("openssl", ["pkey", "-in", tokenKey, "-pubout"]);
  return {
    kubeconfig: await write("kubeconfig", kubeconfigOf(server, certificates)),
    ca: await write("ca.crt", certificates.ca),
    cert: await write("server.crt", certificates.server.cert),
    key: await write("server.key", certificates.server.key),
    tokenKey,
    tokenPublicKey: await write("token.pub", stdout),
  };
}

const etcdArgs = (data: string, { store, peer }: { readonly store: number; readonly peer: number }): string[] => [
  `--data-dir=${data}`,
  `--listen-client-urls=http://127.0.0.1:${store}`,
  `--advertise-client-urls=http://127.0.0.1:${store}`,
  `--listen-peer-urls=http://127.0.0.1:${peer}`,
  "--unsafe-no-fsync",
];

const apiServerArgs = (
  { ca, cert, key, tokenKey, tokenPublicKey }: Files,
  { api, store }: { readonly api: number; readonly store: number },
): string[] => [
  `--etcd-servers=http://127.0.0.1:${store}`,
  "--bind-address=127.0.0.1",
  `--secure-port=${api}`,
  `--tls-cert-file=${cert}`,
  `--tls-private-key-file=${key}`,
  `--client-ca-file=${ca}`,
  `--service-account-key-file=${tokenPublicKey}`,
  `--service-account-signing-key-file=${tokenKey}`,
  "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
  "--service-cluster-ip-range=10.96.0.0/16",
  "--authorization-mode=Node,RBAC",
  "--enable-admission-plugins=NodeRestriction",
  "--endpoint-reconciler-type=none",
  "--allow-privileged=true",
];

const controllerArgs = ({ kubeconfig, ca, tokenKey }: Files): string[] => [
  `--kubeconfig=${kubeconfig}`,
  "--leader-elect=false",
  "--secure-port=0",
  "--use-service-account-credentials=true",
  `--service-account-private-key-file=${tokenKey}`,
  `--root-ca-file=${ca}`,
];

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
  await over;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
