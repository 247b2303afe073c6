import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Cluster } from "#gen/xds/envoy/config/cluster/v3/cluster.ts";
import { Listener } from "#gen/xds/envoy/config/listener/v3/listener.ts";
import type { TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { toEnvoyJson } from "#mesh/lib/xds/any-json.ts";
import { envoyBinary } from "../envoy/install.ts";

export interface StaticEnvoyOptions {
  readonly authority: TestAuthority;
  /** SPIFFE id. */
  readonly identity: string;
  readonly clusters: readonly { readonly resource: Cluster }[];
  readonly listeners: readonly { readonly resource: Listener }[];
  /** Resolves when connections to this port are taken. */
  readonly port: number;
}

/** A real Envoy on loopback with configuration that does not change. */
export class StaticEnvoy {
  readonly #folder: string = mkdtempSync(join(tmpdir(), "slipway-hbone-"));
  #process: ChildProcess | undefined;

  get log(): string {
    return readFileSync(join(this.#folder, "log"), "utf8");
  }

  async start(options: StaticEnvoyOptions): Promise<void> {
    const config = join(this.#folder, "envoy.json");
    writeFileSync(config, JSON.stringify(bootstrapOf(options, join(this.#folder, "admin"))));
    const log = openSync(join(this.#folder, "log"), "w");
    const args = ["-c", config, "--concurrency", "1", "--disable-hot-restart", "-l", "warning"];
    this.#process = spawn(envoyBinary(), args, { stdio: ["ignore", log, log] });
    for (let turn = 0; turn < 300; turn++) {
      if (this.#process.exitCode !== null) throw new Error(`Envoy ended:\n${this.log}`);
      if (await accepts(options.port)) return;
      await delay(100);
    }
    throw new Error(`Envoy does not listen:\n${this.log}`);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function bootstrapOf({ authority, identity, clusters, listeners }: StaticEnvoyOptions, admin: string): object {
  const { certificate, key } = authority.issue(identity);
  const inline = (text: string) => ({ inline_string: text });
  return {
    admin: { address: { pipe: { path: admin } } },
    bootstrap_extensions: [
      {
        name: "envoy.bootstrap.internal_listener",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.bootstrap.internal_listener.v3.InternalListener",
        },
      },
    ],
    static_resources: {
      secrets: [
        { name: "default", tls_certificate: { certificate_chain: inline(certificate), private_key: inline(key) } },
        { name: "ROOTCA", validation_context: { trusted_ca: inline(authority.rootPem) } },
      ],
      clusters: clusters.map(({ resource }) => toEnvoyJson(Cluster.toJSON(resource))),
      listeners: listeners.map(({ resource }) => toEnvoyJson(Listener.toJSON(resource))),
    },
  };
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port }, () => resolve(true));
    socket.on("connect", () => socket.destroy()).on("error", () => resolve(false));
  });
