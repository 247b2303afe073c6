import { readFile } from "node:fs/promises";
import { type ChannelCredentials, Client, credentials, Metadata } from "@grpc/grpc-js";
import { ports } from "#api/names.ts";
import type { ProxyConfig } from "../config.ts";

/**
 * Opens channels to the control plane. The root certificate and the token are read anew each time, since both change while the
 * proxy runs.
 */
export async function connectControlPlane(
  config: ProxyConfig,
  address: string,
): Promise<{ readonly client: Client; readonly metadata: Metadata }> {
  const client = new Client(address, await channelCredentials(config, address), {
    "grpc.max_receive_message_length": -1,
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // Reconnecting is decided above this, with its own delays.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 1000,
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    ...(config.serverName === undefined ? {} : { "grpc.ssl_target_name_override": config.serverName }),
  });
  return { client, metadata: await identification(config) };
}

async function channelCredentials({ files }: ProxyConfig, address: string): Promise<ChannelCredentials> {
  if (address.endsWith(`:${ports.istiodGrpc}`)) return credentials.createInsecure();
  return credentials.createSsl(await readFile(files.rootCertificate));
}

async function identification({ files, cluster }: ProxyConfig): Promise<Metadata> {
  const metadata = new Metadata();
  metadata.set("clusterid", cluster);
  const token = await readFile(files.token, "utf8").catch(() => undefined);
  // Without a token the control plane decides: on the plaintext port it is not asked for.
  if (token !== undefined) metadata.set("authorization", `Bearer ${token.trim()}`);
  return metadata;
}
