import { readFile } from "node:fs/promises";
import { type ChannelCredentials, Client, credentials, Metadata } from "@grpc/grpc-js";
import { ports } from "#api/names.ts";

/** What identifies a program to the control plane, and the control plane to it. */
export interface ControlPlaneAccess {
  readonly cluster: string;
  /** Name in the control plane's certificate, where it is not the address. */
  readonly serverName: string | undefined;
  /** Paths; both files change while the program runs. */
  readonly files: { readonly token: string; readonly rootCertificate: string };
}

/** Opens a channel to an address of the control plane, with what identifies this workload. */
export type Connect = (address: string) => Promise<{ readonly client: Client; readonly metadata: Metadata }>;

/**
 * The root certificate and the token are read anew for each channel, since both change while the proxy runs.
 * @param relay where connections must carry the proxy's mark
 */
export function controlPlaneConnector(
  config: ControlPlaneAccess,
  relay?: { via(address: string): Promise<string> },
): Connect {
  return async (address) => {
    const target = relay === undefined ? address : await relay.via(address);
    // The certificate names the address, whichever way the connection goes.
    const serverName =
      config.serverName ?? (relay === undefined ? undefined : address.slice(0, address.lastIndexOf(":")));
    const client = new Client(target, await channelCredentials(config, address), {
      "grpc.max_receive_message_length": -1,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      // When to try again is decided above this; a failed channel is given up.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1000,
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      // Channels are not shared, so that one with an old root is never used again.
      "grpc.use_local_subchannel_pool": 1,
      ...(serverName === undefined
        ? {}
        : { "grpc.ssl_target_name_override": serverName, "grpc.default_authority": serverName }),
    });
    return { client, metadata: await identification(config) };
  };
}

async function channelCredentials({ files }: ControlPlaneAccess, address: string): Promise<ChannelCredentials> {
  if (address.endsWith(`:${ports.istiodGrpc}`)) return credentials.createInsecure();
  return credentials.createSsl(await readFile(files.rootCertificate));
}

async function identification({ files, cluster }: ControlPlaneAccess): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set("clusterid", cluster);
  const token = await readFile(files.token, "utf8").catch(() => undefined);
  // Without a token the control plane decides: on the plaintext port it is not asked for.
  if (token !== undefined) metadata.set("authorization", `Bearer ${token.trim()}`);
  return metadata;
}
