/** The fixed server behind both proxies: answers every request head with the same 1 KB. Arguments: port, then certificate, key and roots for TLS. */
import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

const [port = "0", certificate, key, roots] = process.argv.slice(2);
const body = "x".repeat(1024);
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);

function serve(socket: Socket): void {
  let pending = "";
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    const text = pending + chunk.toString("latin1");
    let at = 0;
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n", at)) {
      socket.write(answer);
      at = end + 4;
    }
    pending = text.slice(at);
  });
}

const server =
  certificate === undefined || key === undefined || roots === undefined
    ? createServer(serve)
    : createTlsServer(
        {
          cert: readFileSync(certificate),
          key: readFileSync(key),
          ca: readFileSync(roots),
          requestCert: true,
          rejectUnauthorized: true,
          ALPNProtocols: ["istio-http/1.1", "istio", "http/1.1"],
        },
        serve,
      );
server.listen(Number(port), "127.0.0.1", () => process.send?.("listening"));
