import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TunnelPool } from "#mesh/lib/hbone/pool.ts";
import { parseRevocationLists, type RevocationList } from "#mesh/lib/identity/revocation.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import { Certificates } from "./certificates.ts";
import { tunnelTo } from "./hbone/secure.ts";
import { createTunnelServer } from "./hbone/server.ts";

const payments = "spiffe://cluster.local/ns/bank/sa/payments";
const ledger = "spiffe://cluster.local/ns/bank/sa/ledger";
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let authority: TestAuthority;
beforeAll(() => {
  authority = createAuthority();
});
afterAll(() => authority.close());

/** The certificates of a node; `revoke` is what its file of revoked ones says from then on. */
function node() {
  let lists: readonly RevocationList[] = [];
  const issued = new Map<string, string>();
  const certificates = new Certificates({
    log: silent,
    revoked: () => lists,
    request: async (spiffeId) => {
      const { certificate: chain, key: privateKey } = authority.issue(spiffeId);
      issued.set(spiffeId, chain);
      const [notBefore, notAfter] = [new Date(), new Date(Date.now() + 3_600_000)];
      return { chain, privateKey, roots: authority.rootPem, spiffeId, serial: "1", notBefore, notAfter };
    },
  });
  const revoke = (pem: string): void => {
    lists = parseRevocationLists(pem);
    certificates.revocationChanged();
  };
  return { certificates, issued, revoke };
}

it("a tunnel whose other side is revoked ends, and no new one is opened until it has another certificate", async () => {
  const [here, there] = [node(), node()];
  await Promise.all([here.certificates.hold(payments).ready, there.certificates.hold(ledger).ready]);
  const credentials = there.certificates.get(ledger)!;
  const tunnels = createTunnelServer({
    credentials,
    log: silent,
    watch: (tunnel) => there.certificates.watch(tunnel),
    onStream: ({ stream }) => {
      stream.on("error", () => undefined);
      stream.respond({ ":status": 200 });
    },
  });
  there.certificates.onRenewed((_, renewed) => tunnels.renew(renewed));
  const server = createServer((socket) => tunnels.accept(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const pool = new TunnelPool();
  const peer = { address: "127.0.0.1", port, identities: [ledger] };
  const open = () =>
    pool.open(
      tunnelTo(peer, {
        socket: () => new Socket({ allowHalfOpen: true }),
        identity: payments,
        credentials: () => here.certificates.get(payments),
        watch: (tunnel) => here.certificates.watch(tunnel),
      }),
      { ":authority": "10.244.0.5:80" },
    );
  const stream = await open();
  stream.on("error", () => undefined);
  const ended = once(stream, "close");
  there.revoke(authority.revoke([here.issued.get(payments)!]));
  await ended;
  await expect(open()).rejects.toThrow();
  const renewed = new Promise<void>((resolve) => here.certificates.onRenewed(() => resolve()));
  here.certificates.renewAll();
  await renewed;
  (await open()).close();
  pool.destroy();
  tunnels.destroy();
  server.close();
  here.certificates.close();
  there.certificates.close();
});
