// Answers with the address that it was called on: node backend.mjs ADDRESS:PORT=NAME …
import { createServer } from "node:http";

for (const argument of process.argv.slice(2)) {
  const [address, name] = argument.split("=");
  const [host, port] = address.split(":");
  createServer((request, response) => {
    const { "x-forwarded-client-cert": certificate = "", "x-set": set = "" } = request.headers;
    response.end(JSON.stringify({ name, url: request.url, certificate, set }));
  }).listen(Number(port), host);
}
