import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { handleBidiStreamingCall, ServiceDefinition } from "@grpc/grpc-js";
import { Secret } from "#gen/xds/envoy/extensions/transport_sockets/tls/v3/secret.ts";
import { DiscoveryRequest, DiscoveryResponse } from "#gen/xds/envoy/service/discovery/v3/discovery.ts";
import type { GrpcService } from "#mesh/control-plane/serve/grpc-server.ts";

/** A certificate authority of the test with one certificate for each SPIFFE name, as files in a folder. */
export class TestAuthority {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    const options =
      "-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /O=test -keyout ca.key -out ca.pem";
    this.#openssl(["req", ...options.split(" "), "-addext", "basicConstraints=critical,CA:TRUE"]);
  }

  get root(): string {
    return readFileSync(join(this.#folder, "ca.pem"), "utf8");
  }

  issue(uri: string): { readonly chain: string; readonly key: string } {
    const name = uri.replaceAll(/[^a-z]/g, "-");
    writeFileSync(join(this.#folder, `${name}.ext`), `subjectAltName=critical,URI:${uri}\n`);
    const request = `req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj / -keyout ${name}.key -out ${name}.csr`;
    this.#openssl(request.split(" "));
    const sign = `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 1 -extfile ${name}.ext -out ${name}.pem`;
    this.#openssl(sign.split(" "));
    const read = (ending: string) => readFileSync(join(this.#folder, `${name}.${ending}`), "utf8");
    return { chain: read("pem"), key: read("key") };
  }

  #openssl(args: readonly string[]): void {
    execFileSync("openssl", args, { cwd: this.#folder, stdio: "pipe" });
  }
}

const typeUrl = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret";

const definition = {
  streamSecrets: {
    path: "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets",
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: DiscoveryRequest) => Buffer.from(DiscoveryRequest.encode(message).finish()),
    requestDeserialize: (bytes: Buffer) => DiscoveryRequest.decode(bytes),
    responseSerialize: (message: DiscoveryResponse) => Buffer.from(DiscoveryResponse.encode(message).finish()),
    responseDeserialize: (bytes: Buffer) => DiscoveryResponse.decode(bytes),
  },
} satisfies ServiceDefinition;

/** What Istio's agent is to its Envoy: the workload's certificate as "default" and the roots as "ROOTCA". */
export function secretService(authority: TestAuthority, uri: string): GrpcService {
  const { chain, key } = authority.issue(uri);
  const inline = (value: string) => ({ specifier: { $case: "inlineString" as const, value } });
  const secrets = new Map([
    [
      "default",
      Secret.fromPartial({
        name: "default",
        type: { $case: "tlsCertificate", value: { certificateChain: inline(chain), privateKey: inline(key) } },
      }),
    ],
    [
      "ROOTCA",
      Secret.fromPartial({
        name: "ROOTCA",
        type: { $case: "validationContext", value: { trustedCa: inline(authority.root) } },
      }),
    ],
  ]);
  const streamSecrets: handleBidiStreamingCall<DiscoveryRequest, DiscoveryResponse> = (call) => {
    call.on("data", (request: DiscoveryRequest) => {
      if (request.responseNonce !== "") return;
      const resources = request.resourceNames.flatMap((name) => secrets.get(name) ?? []);
      const bodies = resources.map((secret) => ({ typeUrl, value: Buffer.from(Secret.encode(secret).finish()) }));
      call.write({ ...DiscoveryResponse.fromPartial({ typeUrl, nonce: "1", versionInfo: "1" }), resources: bodies });
    });
    call.on("end", () => call.end());
    call.on("error", () => {});
  };
  return { definition, implementation: { streamSecrets } };
}
