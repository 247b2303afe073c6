import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { type DecodedPacket, decode, encode, streamDecode, streamEncode } from "dns-packet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startDnsServer } from "./dns-server.ts";
import { buildZone } from "./dns-zone.ts";
import type { EndpointSlice } from "./service-model.ts";

const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const many = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "many-1", namespace: "shop", labels: { "kubernetes.io/service-name": "many" } },
  addressType: "IPv4",
  endpoints: Array.from({ length: 60 }, (_, index) => ({ addresses: [`10.244.1.${index}`] })),
} as EndpointSlice;
const zone = buildZone(
  "cluster.local",
  [{ apiVersion: "v1", kind: "Service", metadata: { name: "many", namespace: "shop" }, spec: { clusterIP: "None" } }],
  [many],
);
const NAME = "many.shop.svc.cluster.local";

describe("the DNS server", () => {
  let port = 0;
  let stop: () => Promise<void> = async () => undefined;
  beforeAll(async () => {
    // A free port for UDP is most probably free for TCP as well.
    const probe = createSocket("udp4").bind(0, "127.0.0.1");
    await once(probe, "listening");
    port = probe.address().port;
    probe.close();
    stop = await startDnsServer({ address: "127.0.0.1", port, zone: () => zone, logger });
  });
  afterAll(() => stop());

  async function askUdp(message: Buffer): Promise<DecodedPacket> {
    const socket = createSocket("udp4");
    socket.send(message, port, "127.0.0.1");
    const [reply] = (await once(socket, "message")) as [Buffer];
    socket.close();
    return decode(reply);
  }
  const query = (name: string): Buffer =>
    encode({ type: "query", id: 7, flags: 1 << 8, questions: [{ type: "A", name }] });

  it("cuts answers that are too long for UDP and gives them whole over TCP", async () => {
    const short = await askUdp(query(NAME));
    expect(short).toMatchObject({ id: 7, flag_tc: true, rcode: "NOERROR", answers: [] });
    const socket = connect(port, "127.0.0.1");
    socket.write(streamEncode({ type: "query", id: 8, questions: [{ type: "A", name: NAME }] }));
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      const held = Buffer.concat(chunks);
      if (held.length >= 2 + held.readUInt16BE(0)) break;
    }
    expect(streamDecode(Buffer.concat(chunks)).answers).toHaveLength(60);
  });

  it("answers with long messages to those who can take them", async () => {
    const edns = encode({
      type: "query",
      id: 9,
      questions: [{ type: "A", name: NAME }],
      additionals: [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: 4096,
          flags: 0,
          options: [],
          extendedRcode: 0,
          ednsVersion: 0,
          flag_do: false,
        },
      ],
    });
    expect((await askUdp(edns)).answers).toHaveLength(60);
  });

  it("says NXDOMAIN and REFUSED, and survives nonsense", async () => {
    const socket = createSocket("udp4");
    socket.send(Buffer.from("nonsense"), port, "127.0.0.1", () => socket.close());
    expect(await askUdp(query("nothing.cluster.local"))).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await askUdp(query("example.com"))).toMatchObject({ rcode: "REFUSED" });
  });
});
