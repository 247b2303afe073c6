import { once } from "node:events";
import { type AddressInfo, connect, createServer, Socket } from "node:net";
import { expect, test } from "vitest";
import { createMarkedRelay } from "./marked-relay.ts";

test("connects on with sockets of the maker's, and ends both sides together", async () => {
  const server = createServer((socket) => socket.pipe(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  let made = 0;
  const relay = createMarkedRelay(() => {
    made++;
    return new Socket();
  });
  const via = await relay.via(address);
  expect(await relay.via(address)).toBe(via);
  expect(via).not.toBe(address);
  const client = connect(Number(via.split(":")[1]), "127.0.0.1");
  client.write("hello");
  const [echo] = (await once(client, "data")) as [Buffer];
  expect([echo.toString(), made]).toEqual(["hello", 1]);
  server.close();
  client.end();
  await once(client, "close");
  relay.close();
});
