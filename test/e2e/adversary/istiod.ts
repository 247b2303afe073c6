import { type ChildProcess, spawn } from "node:child_process";
import { Client, credentials, type Metadata, Metadata as NewMetadata, type ServiceError, status } from "@grpc/grpc-js";
import { IstioCertificateRequest, IstioCertificateResponse } from "#gen/istio/istio/v1/ca.ts";
import { Node } from "#gen/xds/envoy/config/core/v3/base.ts";
import { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";

export interface Caller {
  readonly token?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A way to the control plane for somebody who is no proxy. */
export interface Istiod {
  /** Asks for a certificate; the certificate, or the name of the refusal. */
  sign(caller: Caller, csr: string, impersonated?: string): Promise<string>;
  /** Asks for resources as a node; their names, or the name of the refusal. */
  discover(
    caller: Caller,
    ask: { readonly node: string; readonly typeUrl: string; readonly names?: readonly string[] },
  ): Promise<string>;
  close(): void;
}

interface IstiodOptions {
  readonly kubectl: string;
  readonly kubeconfig: string;
  /** PEM of the authority that the control plane is known by. */
  readonly root: string;
}

const serverName = "istiod.istio-system.svc";

/** Forwards the control plane's secure port to this machine. */
export async function openIstiod({ kubectl, kubeconfig, root }: IstiodOptions): Promise<Istiod> {
  const forward = spawn(
    kubectl,
    ["--kubeconfig", kubeconfig, "-n", "istio-system", "port-forward", "deploy/istiod", ":15012"],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const port = await portOf(forward);
  const client = (caller: Caller): Client => {
    const pem = (text: string | undefined): Buffer | null => (text === undefined ? null : Buffer.from(text));
    return new Client(
      `127.0.0.1:${port}`,
      credentials.createSsl(Buffer.from(root), pem(caller.key), pem(caller.cert)),
      {
        "grpc.ssl_target_name_override": serverName,
        "grpc.default_authority": serverName,
      },
    );
  };
  return {
    sign: (caller, csr, impersonated) =>
      new Promise((resolve) => {
        const one = client(caller);
        const request = IstioCertificateRequest.fromPartial({
          csr,
          ...(impersonated === undefined ? {} : { metadata: { ImpersonatedIdentity: impersonated } }),
        });
        one.makeUnaryRequest(
          "/istio.v1.auth.IstioCertificateService/CreateCertificate",
          (message: IstioCertificateRequest) => Buffer.from(IstioCertificateRequest.encode(message).finish()),
          (bytes: Buffer) => IstioCertificateResponse.decode(bytes),
          request,
          metadataOf(caller),
          { deadline: Date.now() + 10_000 },
          (error: ServiceError | null, response?: IstioCertificateResponse) => {
            one.close();
            resolve(error === null ? (response?.certChain[0] ?? "") : (status[error.code] ?? String(error.code)));
          },
        );
      }),
    discover: (caller, { node, typeUrl, names = [] }) =>
      new Promise((resolve) => {
        const one = client(caller);
        const call = one.makeBidiStreamRequest(
          "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
          (message: DeltaDiscoveryRequest) => Buffer.from(DeltaDiscoveryRequest.encode(message).finish()),
          (bytes: Buffer) => DeltaDiscoveryResponse.decode(bytes),
          metadataOf(caller),
          { deadline: Date.now() + 10_000 },
        );
        const end = (outcome: string): void => {
          call.cancel();
          one.close();
          resolve(outcome);
        };
        call.on("data", ({ resources }: DeltaDiscoveryResponse) =>
          end(
            resources
              .map(({ name }) => name)
              .toSorted()
              .join(" "),
          ),
        );
        call.on("error", (error: ServiceError) => end(status[error.code] ?? String(error.code)));
        call.write(
          DeltaDiscoveryRequest.fromPartial({
            node: Node.fromPartial({ id: node }),
            typeUrl,
            resourceNamesSubscribe: [...names],
          }),
        );
      }),
    close: () => void forward.kill(),
  };
}

function metadataOf({ token }: Caller): Metadata {
  const metadata = new NewMetadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  return metadata;
}

function portOf(forward: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    forward.once("error", reject);
    forward.once("exit", () => reject(new Error("the port-forward has ended")));
    forward.stdout?.on("data", (chunk: Buffer) => {
      const port = /127\.0\.0\.1:(\d+)/.exec(chunk.toString())?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}
