import { createServer } from "node:net";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { parseClientHello } from "./client-hello.ts";

/** The first bytes of a real client. */
function helloOf(options: { servername?: string; ALPNProtocols?: string[] }): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.once("data", (chunk) => {
        socket.destroy();
        server.close();
        resolve(chunk);
      });
    });
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") return;
      connect({ host: "127.0.0.1", port: address.port, ...options }).on("error", () => undefined);
    });
  });
}

it("reads server name and protocols, and waits for the rest of a hello", async () => {
  const hello = await helloOf({ servername: "Cart.Shop", ALPNProtocols: ["istio-http/1.1", "istio"] });
  expect(parseClientHello(hello)).toEqual({ serverName: "cart.shop", protocols: ["istio-http/1.1", "istio"] });
  for (let length = 0; length < hello.length; length += 1)
    expect(parseClientHello(hello.subarray(0, length))).toBe("more");
  expect(parseClientHello(await helloOf({}))).toEqual({ serverName: "", protocols: [] });
});

it("knows what is no TLS, and lets broken hellos go", () => {
  expect(parseClientHello(Buffer.from("GET / HTTP/1.1"))).toBe("not-tls");
  expect(parseClientHello(Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0]))).toBe("not-tls");
  expect(parseClientHello(Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 0]))).toBe("not-tls");
});
