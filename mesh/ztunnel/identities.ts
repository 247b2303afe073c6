import { unwatchFile, watchFile } from "node:fs";
import type { Connect } from "#mesh/lib/control-plane/connect.ts";
import { requestCertificate } from "#mesh/lib/identity/request-certificate.ts";
import { RevocationFile } from "#mesh/lib/identity/revocation-file.ts";
import { Certificates } from "./certificates.ts";
import type { ZtunnelConfig } from "./config.ts";
import type { Log } from "./log.ts";

/** How often the file with the mesh's roots is looked at. */
const ROOTS_MS = 2000;

/** What pods of the node prove themselves with, whom they trust and what is revoked, as the mounted files say it. */
export interface Identities {
  readonly certificates: Certificates;
  readonly revocation: RevocationFile;
  /** Resolves when the files were read once. */
  start(): Promise<void>;
  close(): void;
}

export function identitiesOf(config: ZtunnelConfig, { connect, log }: { connect: Connect; log: Log }): Identities {
  const { files } = config;
  const certificates: Certificates = new Certificates({
    log: log.part("identity"),
    revoked: () => revocation.lists,
    request: (spiffeId) =>
      requestCertificate(
        {
          spiffeId,
          address: config.certificateAddress,
          lifetimeSeconds: config.certificateLifetimeSeconds,
          rootCertificate: files.rootCertificate,
          impersonated: true,
        },
        connect,
      ),
  });
  const revocation: RevocationFile = new RevocationFile({
    path: files.revocation,
    authorities: () => certificates.authorities,
    log: log.part("identity"),
    onChange: () => certificates.revocationChanged(),
  });
  const lookAtRoots = (): void => certificates.renewAll();
  return {
    certificates,
    revocation,
    start: async () => {
      watchFile(files.rootCertificate, { interval: ROOTS_MS, persistent: false }, lookAtRoots);
      await revocation.start();
    },
    close: () => {
      unwatchFile(files.rootCertificate, lookAtRoots);
      revocation.close();
      certificates.close();
    },
  };
}
