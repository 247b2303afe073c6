import { join } from "node:path";
import { ClusterRegistry } from "./clusters/cluster-registry.ts";
import { loadArchive, saveArchive } from "./clusters/image-archives.ts";
import type { HostConfig } from "./config.ts";
import { claimInstance } from "./instance.ts";
import type { LabCluster } from "./lab-cluster.ts";
import { readLabs } from "./labs/lab-folder.ts";
import { createCalls } from "./rpc/calls.ts";
import { startRpcServer } from "./rpc/server.ts";
import { createStreams } from "./rpc/streams.ts";
import type { HostServices } from "./services.ts";
import { readSettings } from "./settings.ts";
import { openLocalShell } from "./terminals/local-shell.ts";
import { openPodShell } from "./terminals/pod-shell.ts";
import { Terminals } from "./terminals/terminals.ts";

export interface Host {
  /** Address of the interface, without the token. */
  readonly url: string;
  readonly token: string;
  readonly services: HostServices;
  /** Ends everything that the host started; the cluster's state stays unless a shutdown asked to delete it. */
  stop(): Promise<void>;
}

/** Builds the whole host: claims the state folder, serves the interface, and waits to be told to start the cluster. */
export async function buildHost(config: HostConfig, onShutdown: () => void): Promise<Host> {
  const instance = await claimInstance(config.stateFolder);
  try {
    const [labs, settings] = await Promise.all([readLabs(config.folders.labs), readSettings(config.stateFolder)]);
    const clusters = await ClusterRegistry.open({ config, settings, labs });
    const running = (): LabCluster => clusters.current.value.running();
    let deleteState = false;
    const terminals = new Terminals(async (target, size) => {
      const { slipway } = config.folders;
      if (target.kind !== "local") return openPodShell(running().api, target, size);
      return openLocalShell({
        ...size,
        slipway,
        binFolder: join(config.stateFolder, "bin"),
        kubeconfig: clusters.current.value.provisioning.cluster?.kubeconfig,
      });
    });
    const services: HostServices = {
      mode: config.mode,
      clusters,
      terminals,
      archives: {
        save: (folder, signal) => saveArchive(folder, { config, settings, signal }),
        load: (folder, signal) => loadArchive(folder, { config, signal }),
      },
      labs: () => clusters.current.value.labs,
      running,
      shutdown: (remove) => {
        deleteState = remove;
        onShutdown();
      },
    };
    const server = await startRpcServer({
      port: config.port,
      token: instance.token,
      rendererFolder: config.folders.renderer,
      calls: createCalls(services),
      streams: createStreams(services),
    });
    await instance.publish(server.url);
    return {
      url: server.url,
      token: instance.token,
      services,
      stop: async () => {
        terminals.closeAll();
        await clusters.end(deleteState);
        await server.close();
        await instance.release();
      },
    };
  } catch (error) {
    await instance.release();
    throw error;
  }
}
