import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import { typeUrls } from "#mesh/lib/xds/envoy-types.ts";
import type { NamedResource } from "../data-plane.ts";

const SERVICE = "/envoy.service.secret.v3.SecretDiscoveryService";

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

/**
 * Serves the workload's certificate to an Envoy in the same pod, over the Unix socket where Istio's agent does: so that the engine
 * can be exchanged. Source: Envoy's SecretDiscoveryService.
 */
export class SecretServer {
  readonly #server = new Server();
  readonly #streams = new Set<() => void>();
  #secrets: ReadonlyMap<string, NamedResource<Secret>> = new Map();

  constructor() {
    const stream = { requestStream: true, responseStream: true } as const;
    this.#server.addService(
      {
        streamSecrets: {
          ...stream,
          path: `${SERVICE}/StreamSecrets`,
          ...serialization(DiscoveryRequest, DiscoveryResponse),
        },
        deltaSecrets: {
          ...stream,
          path: `${SERVICE}/DeltaSecrets`,
          ...serialization(DeltaDiscoveryRequest, DeltaDiscoveryResponse),
        },
      },
      {
        streamSecrets: (call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>) => this.#serveState(call),
        deltaSecrets: (call: ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>) =>
          this.#serveDelta(call),
      },
    );
  }

  /** Rejects when the socket cannot be made there. */
  async listen(path: string): Promise<void> {
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true }); // left by a former process
    await new Promise<void>((resolve, reject) =>
      this.#server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      ),
    );
  }

  /** What is served from now on; those who have older ones are told. */
  set(secrets: readonly NamedResource<Secret>[]): void {
    this.#secrets = new Map(secrets.map((secret) => [secret.name, secret]));
    for (const push of this.#streams) push();
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #serveState(call: ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>): void {
    let names: readonly string[] = [];
    let sent = "";
    const push = (): void => {
      const found = this.#find(names);
      const versionInfo = found.map(({ name, version }) => `${name}@${version}`).join();
      if (found.length < names.length || found.length === 0 || versionInfo === sent) return;
      sent = versionInfo;
      const resources = found.map(({ resource }) => any(resource));
      call.write(
        DiscoveryResponse.fromPartial({ typeUrl: typeUrls.secret, versionInfo, nonce: versionInfo, resources }),
      );
    };
    call.on("data", (request: DiscoveryRequest) => {
      names = request.resourceNames;
      push();
    });
    this.#follow(call, push);
  }

  #serveDelta(call: ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>): void {
    const wanted = new Set<string>();
    const sent = new Map<string, string>();
    const push = (): void => {
      const fresh = this.#find([...wanted]).filter(({ name, version }) => sent.get(name) !== version);
      if (fresh.length === 0) return;
      for (const { name, version } of fresh) sent.set(name, version);
      const resources = fresh.map(({ name, version, resource }) => ({ name, version, resource: any(resource) }));
      const nonce = fresh.map(({ version }) => version).join();
      call.write(
        DeltaDiscoveryResponse.fromPartial({ typeUrl: typeUrls.secret, nonce, systemVersionInfo: nonce, resources }),
      );
    };
    call.on("data", (request: DeltaDiscoveryRequest) => {
      for (const name of request.resourceNamesSubscribe) wanted.add(name);
      for (const name of request.resourceNamesUnsubscribe) {
        wanted.delete(name);
        sent.delete(name);
      }
      push();
    });
    this.#follow(call, push);
  }

  #follow(call: { on(event: string, listener: () => void): unknown; end(): void }, push: () => void): void {
    this.#streams.add(push);
    const end = (): void => void this.#streams.delete(push);
    call.on("end", () => {
      end();
      call.end();
    });
    call.on("error", end);
    call.on("cancelled", end);
  }

  #find(names: readonly string[]): readonly NamedResource<Secret>[] {
    return names.map((name) => this.#secrets.get(name)).filter((secret) => secret !== undefined);
  }
}

const any = (secret: Secret) => ({ typeUrl: typeUrls.secret, value: Buffer.from(Secret.encode(secret).finish()) });

function serialization<Request, Response>(request: Codec<Request>, response: Codec<Response>) {
  return {
    requestSerialize: (message: Request) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: (message: Response) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  };
}
