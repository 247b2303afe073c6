import { type ClientHttp2Stream, connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { type AddressInfo, createServer, type Server, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { connect as connectTls, createSecureContext } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { TunnelError, TunnelPool } from "#mesh/lib/hbone/pool.ts";
import { createAuthority, type TestAuthority } from "#mesh/lib/identity/testing/authority.ts";
import type { Credentials } from "../certificates.ts";
import { join, type Parted } from "../traffic/join.ts";
import { type TunnelClient, type TunnelPeer, tunnelTo } from "./secure.ts";
import { createTunnelServer, type TunnelServer, type TunnelServerOptions } from "./server.ts";

const ledger = "spiffe://cluster.local/ns/bank/sa/ledger";
const payments = "spiffe://cluster.local/ns/bank/sa/payments";
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let authority: TestAuthority;
let others: TestAuthority;
const closers: (() => void)[] = [];

beforeAll(() => {
  authority = createAuthority();
  others = createAuthority();
});
afterAll(() => {
  authority.close();
  others.close();
});
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function credentials(spiffeId: string, from: TestAuthority = authority): Credentials {
  const { certificate: chain, key: privateKey } = from.issue(spiffeId);
  const roots = authority.rootPem;
  const certificate = {
    chain,
    privateKey,
    roots,
    spiffeId,
    serial: "1",
    notBefore: new Date(0),
    notAfter: new Date(0),
  };
  return {
    certificate,
    revoked: [],
    context: createSecureContext({ cert: chain, key: privateKey, ca: roots, minVersion: "TLSv1.3" }),
  };
}

type OnStream = TunnelServerOptions["onStream"];

interface Peer {
  readonly target: TunnelPeer;
  readonly tunnels: TunnelServer;
  /** TCP connections so far. */
  connections(): number;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** The far end; by default it echoes. */
async function startPeer(onStream: OnStream = echo): Promise<Peer> {
  const tunnels = createTunnelServer({
    credentials: credentials(ledger),
    log: silent,
    watch: () => undefined,
    onStream,
  });
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    tunnels.accept(socket);
  });
  const port = await listen(server);
  closers.push(() => tunnels.destroy());
  return { target: { address: "127.0.0.1", port, identities: [ledger] }, tunnels, connections: () => connections };
}

const echo: OnStream = ({ stream }) => {
  stream.on("error", () => {});
  stream.respond({ ":status": 200 });
  stream.pipe(stream);
};

interface Caller {
  readonly pool: TunnelPool;
  open(peer: TunnelPeer, headers: OutgoingHttpHeaders): Promise<ClientHttp2Stream>;
}

function makeCaller(own: Partial<TunnelClient> = {}, idleMs?: number): Caller {
  const mine = credentials(payments);
  const socket = (): Socket => new Socket({ allowHalfOpen: true });
  const client = { socket, identity: payments, credentials: () => mine, watch: () => undefined, ...own };
  const pool = new TunnelPool(idleMs === undefined ? {} : { idleMs });
  closers.push(() => pool.destroy());
  return { pool, open: (peer, headers) => pool.open(tunnelTo(peer, client), headers) };
}

const to = (authorityText: string): OutgoingHttpHeaders => ({ ":authority": authorityText });

describe("a tunnel", () => {
  it("carries bytes both ways and names both ends", async () => {
    const seen: string[] = [];
    const peer = await startPeer((request) => {
      seen.push(String(request.headers[":authority"]), String(request.tls.getPeerCertificate().subjectaltname));
      echo(request);
    });
    const stream = await makeCaller().open(peer.target, to("10.244.0.5:8080"));
    stream.end("hello");
    expect((await buffer(stream)).toString()).toBe("hello");
    expect(seen).toEqual(["10.244.0.5:8080", `URI:${payments}`]);
  });

  it("goes on one way when the other has ended", async () => {
    const peer = await startPeer(({ stream }) => {
      stream.respond({ ":status": 200 });
      // The answer begins when the question is complete.
      stream.resume().once("end", () => void delay(50).then(() => stream.end("late")));
    });
    const stream = await makeCaller().open(peer.target, to("10.244.0.5:80"));
    stream.end("question");
    expect((await buffer(stream)).toString()).toBe("late");
  });

  it("holds a fast sender back while the receiver does not read", async () => {
    let reading = (): void => {};
    const peer = await startPeer(({ stream }) => {
      stream.on("error", () => {});
      stream.respond({ ":status": 200 });
      reading = () => stream.pipe(stream);
    });
    const stream = await makeCaller().open(peer.target, to("10.244.0.5:80"));
    const total = 32 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024, 1);
    let written = 0;
    let blocked = Promise.withResolvers<void>();
    const pump = (): void => {
      while (written < total) {
        written += chunk.length;
        if (stream.write(chunk)) continue;
        blocked.resolve();
        stream.once("drain", pump);
        return;
      }
      stream.end();
    };
    pump();
    await blocked.promise;
    blocked = Promise.withResolvers();
    await delay(300);
    // A window, what lies in buffers, no more.
    expect(written).toBeLessThan(total / 2);
    reading();
    expect((await buffer(stream)).length).toBe(total);
  });

  it.each<[string, (peer: Peer) => Promise<unknown>, RegExp]>([
    [
      "who is not whom the control plane named",
      (peer) => makeCaller().open({ ...peer.target, identities: [payments] }, to("a:1")),
      /the peer is .*ledger, not .*payments/,
    ],
    [
      "callers of another authority",
      (peer) => makeCaller({ credentials: () => credentials(payments, others) }).open(peer.target, to("a:1")),
      /TLS|closed|certificate/,
    ],
    [
      "callers without a certificate",
      (peer) => makeCaller({ credentials: () => undefined }).open(peer.target, to("a:1")),
      /there is no certificate yet/,
    ],
    [
      "a port where nobody listens",
      (peer) => makeCaller().open({ ...peer.target, port: 1 }, to("a:1")),
      /connection to 127.0.0.1:1 failed/,
    ],
  ])("does not come to be with %s", async (_, open, reason) => {
    await expect(open(await startPeer())).rejects.toThrow(reason);
  });

  it("tells with which status it was refused", async () => {
    const peer = await startPeer(({ stream }) => stream.respond({ ":status": 401 }, { endStream: true }));
    const error: unknown = await makeCaller()
      .open(peer.target, to("10.244.0.5:80"))
      .catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(TunnelError);
    expect(error).toMatchObject({ status: 401 });
  });

  it("is nothing that TLS 1.2 or another protocol than h2 gets to", async () => {
    const peer = await startPeer();
    const { certificate } = credentials(payments);
    const own = { cert: certificate.chain, key: certificate.privateKey, rejectUnauthorized: false };
    const outcome = (options: object): Promise<string> =>
      new Promise((resolve) => {
        const tls = connectTls({ host: "127.0.0.1", port: peer.target.port, ...own, ...options });
        tls.on("error", () => resolve("refused")).on("close", () => resolve("refused"));
        tls.on("data", () => resolve("answered"));
        tls.on("secureConnect", () => tls.write("GET / HTTP/1.1\r\n\r\n"));
      });
    expect(await outcome({ maxVersion: "TLSv1.2", ALPNProtocols: ["h2"] })).toBe("refused");
    expect(await outcome({})).toBe("refused");
  });
});

describe("the pool", () => {
  it("shares one connection between streams to the same end, and none between ends", async () => {
    const [peer, other] = [await startPeer(), await startPeer()];
    const caller = makeCaller();
    await Promise.all([1, 2, 3].map((port) => caller.open(peer.target, to(`10.244.0.5:${port}`))));
    await caller.open(other.target, to("10.244.0.6:80"));
    expect([peer.connections(), other.connections(), caller.pool.size]).toEqual([1, 1, 2]);
  });

  it("opens another connection beyond a hundred streams", async () => {
    const peer = await startPeer();
    const caller = makeCaller();
    await Promise.all(Array.from({ length: 101 }, () => caller.open(peer.target, to("10.244.0.5:80"))));
    expect(peer.connections()).toBe(2);
  });

  it("takes a new connection after the peer said that it is leaving; the stream that stands goes on", async () => {
    const peer = await startPeer();
    const caller = makeCaller();
    const standing = await caller.open(peer.target, to("10.244.0.5:80"));
    peer.tunnels.drain();
    await expect
      .poll(async () => {
        const fresh = await caller.open(peer.target, to("10.244.0.5:80"));
        fresh.close();
        return peer.connections();
      })
      .toBe(2);
    standing.end("still here");
    expect((await buffer(standing)).toString()).toBe("still here");
  });

  it("closes what is idle", async () => {
    const peer = await startPeer();
    const caller = makeCaller({}, 20);
    const stream = await caller.open(peer.target, to("10.244.0.5:80"));
    stream.end();
    await buffer(stream);
    await expect.poll(() => caller.pool.size).toBe(0);
  });
});

describe("two sides that are joined", () => {
  /** A client's socket, joined through a tunnel to a server's socket. */
  async function joined(): Promise<{ client: Socket; server: Socket; parted: Promise<Parted | undefined> }> {
    const accepted = Promise.withResolvers<Socket>();
    const port = await listen(createServer({ allowHalfOpen: true }, (socket) => accepted.resolve(socket)));
    const peer = await startPeer(({ stream }) => {
      const far = new Socket({ allowHalfOpen: true }).connect(port, "127.0.0.1", () => {
        stream.respond({ ":status": 200 });
        void join(stream, far);
      });
    });
    const near = Promise.withResolvers<Socket>();
    const front = await listen(createServer({ allowHalfOpen: true, pauseOnConnect: true }, near.resolve));
    const client = new Socket({ allowHalfOpen: true }).connect(front, "127.0.0.1");
    const stream = await makeCaller().open(peer.target, to("10.244.0.5:80"));
    const parted = join(await near.promise, stream);
    const server = await accepted.promise;
    closers.push(
      () => client.destroy(),
      () => server.destroy(),
    );
    return { client: client.on("error", () => {}), server: server.on("error", () => {}), parted };
  }

  it("end orderly, one way after the other", async () => {
    const { client, server, parted } = await joined();
    client.end("question");
    expect((await buffer(server)).toString()).toBe("question");
    server.end("answer");
    expect((await buffer(client)).toString()).toBe("answer");
    expect(await parted).toBeUndefined();
  });

  it("break off together: a reset is no orderly end", async () => {
    const { client, server, parted } = await joined();
    const failed = new Promise<string>((resolve) => {
      client.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    });
    client.write("half a question");
    await new Promise((resolve) => server.once("data", resolve));
    server.resetAndDestroy();
    expect(await failed).toBe("ECONNRESET");
    expect(await parted).toMatchObject({ side: "far" });
  });
});

it("answers nothing but CONNECT", async () => {
  const methods: string[] = [];
  const peer = await startPeer(({ stream, headers }) => {
    methods.push(String(headers[":method"]));
    stream.respond({ ":status": 405 }, { endStream: true });
  });
  const { certificate } = credentials(payments);
  const session = connectHttp2(`https://127.0.0.1:${peer.target.port}`, {
    cert: certificate.chain,
    key: certificate.privateKey,
    rejectUnauthorized: false,
  });
  closers.push(() => session.destroy());
  const status = await new Promise((resolve) =>
    session.request({ ":path": "/" }).once("response", (headers) => resolve(headers[":status"])),
  );
  expect([status, methods]).toEqual([405, ["GET"]]);
});
