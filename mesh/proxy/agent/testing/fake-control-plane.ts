import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { IstioCertificateRequest, IstioCertificateResponse } from "#gen/istio/istio/v1/ca.ts";
import { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";

/** A control plane for tests: a real TLS gRPC server with a CA of its own, whose discovery answers are the test's. */
export interface FakeControlPlane {
  readonly port: number;
  readonly rootCertificate: string;
  /** What clients sent with their certificate requests. */
  readonly tokens: readonly string[];
  /** The next request of a type that came over discovery. */
  next(typeUrl: string): Promise<DeltaDiscoveryRequest>;
  say(response: Partial<DeltaDiscoveryResponse> & { readonly typeUrl: string; readonly nonce: string }): void;
  hangUp(): void;
  close(): void;
}

export const serverName = "istiod.istio-system.svc";

export async function startFakeControlPlane(): Promise<FakeControlPlane> {
  const ca = createAuthority();
  const server = new Server();
  const tokens: string[] = [];
  const heard: DeltaDiscoveryRequest[] = [];
  const waiting = new Map<string, ((request: DeltaDiscoveryRequest) => void)[]>();
  let stream: ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> | undefined;

  server.addService(
    {
      create: {
        path: "/istio.v1.auth.IstioCertificateService/CreateCertificate",
        requestStream: false,
        responseStream: false,
        ...codec(IstioCertificateRequest, IstioCertificateResponse),
      },
    },
    {
      create: (
        call: ServerUnaryCall<IstioCertificateRequest, IstioCertificateResponse>,
        done: sendUnaryData<IstioCertificateResponse>,
      ) => {
        tokens.push(String(call.metadata.get("authorization")[0] ?? ""));
        done(null, { certChain: ca.sign(call.request.csr) });
      },
    },
  );
  server.addService(
    {
      delta: {
        path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
        requestStream: true,
        responseStream: true,
        ...codec(DeltaDiscoveryRequest, DeltaDiscoveryResponse),
      },
    },
    {
      delta: (call: ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>) => {
        stream = call;
        call.on("data", (request: DeltaDiscoveryRequest) => {
          const next = waiting.get(request.typeUrl)?.shift();
          if (next === undefined) heard.push(request);
          else next(request);
        });
        call.on("error", () => {});
      },
    },
  );
  const credentials = ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(ca.server.certificate), private_key: Buffer.from(ca.server.key) },
  ]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error))),
  );
  return {
    port,
    rootCertificate: ca.root,
    tokens,
    next: (typeUrl) => {
      const index = heard.findIndex((request) => request.typeUrl === typeUrl);
      if (index >= 0) return Promise.resolve(heard.splice(index, 1)[0]!);
      return new Promise((resolve) => waiting.set(typeUrl, [...(waiting.get(typeUrl) ?? []), resolve]));
    },
    say: (response) => stream?.write(DeltaDiscoveryResponse.fromPartial(response)),
    hangUp: () => stream?.end(),
    close: () => {
      server.forceShutdown();
      ca.dispose();
    },
  };
}

/** A certificate authority of openssl, in a folder of its own. */
function createAuthority() {
  const folder = mkdtempSync(join(tmpdir(), "slipway-ca-"));
  const openssl = (...args: string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "1", "-subj", "/O=cluster.local");
  const sign = (request: string): string => {
    openssl(
      "x509",
      "-req",
      "-in",
      request,
      "-CA",
      "ca.pem",
      "-CAkey",
      "ca.key",
      "-days",
      "1",
      "-copy_extensions",
      "copy",
      "-out",
      "signed.pem",
    );
    return read("signed.pem");
  };
  openssl(
    "req",
    "-new",
    ...key,
    "-keyout",
    "server.key",
    "-out",
    "server.csr",
    "-subj",
    "/",
    "-addext",
    `subjectAltName=DNS:${serverName}`,
  );
  return {
    root: read("ca.pem"),
    server: { certificate: sign("server.csr"), key: read("server.key") },
    sign: (csr: string): string[] => {
      writeFileSync(join(folder, "workload.csr"), csr);
      return [sign("workload.csr"), read("ca.pem")];
    },
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

interface Codec<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

function codec<Request, Response>(request: Codec<Request>, response: Codec<Response>) {
  return {
    requestSerialize: (message: Request) => Buffer.from(request.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => request.decode(bytes),
    responseSerialize: (message: Response) => Buffer.from(response.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => response.decode(bytes),
  };
}
