// An external authorizer over HTTP and gRPC, whose verdict is in the path that it is asked about: node authorizer.mjs HTTP-ADDRESS:PORT GRPC-ADDRESS:PORT
import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";

/** What only one kind of proxy adds of its own. */
const own =
  /^(x-forwarded-for|x-forwarded-proto|x-envoy-(internal|expected-rq-timeout-ms|external-address|attempt-count|decorator.*|peer-.*)|x-request-id|connection|host|traceparent|tracestate|x-b3-.*|content-length|transfer-encoding)$/;

/** Status, headers and body by what is asked for. */
function verdictOf(path, seen) {
  if (path.includes("/deny-401"))
    return {
      status: 401,
      headers: { "www-authenticate": "Basic", "x-own": "1", "x-secret": "2" },
      body: "who are you?",
    };
  if (path.includes("/redirect"))
    return { status: 302, headers: { location: "https://idp.test/?a=b", "set-cookie": ["a=1", "b=2"] }, body: "" };
  if (path.includes("/created")) return { status: 201, headers: { "x-own": "1" }, body: "made" };
  if (path.includes("/none")) return { status: 204, headers: {}, body: "" };
  if (path.includes("/missing")) return { status: 404, headers: { "content-type": "text/html" }, body: "<p>no</p>" };
  if (path.includes("/fails")) return { status: 500, headers: {}, body: "broken" };
  if (path.includes("/busy")) return { status: 503, headers: {}, body: "broken" };
  if (path.includes("/show")) return { status: 418, headers: {}, body: JSON.stringify(seen()) };
  if (path.includes("/tester")) return { status: 200, headers: { "x-role": "tester", "x-secret": "2" }, body: "" };
  if (path.includes("/untester"))
    return { status: 200, headers: { "x-envoy-auth-headers-to-remove": "x-role" }, body: "" };
  if (path.includes("/deny")) return { status: 403, headers: {}, body: "" };
  return { status: 200, headers: {}, body: "" };
}

const [http, grpc] = process.argv.slice(2).map((text) => text.split(":"));

createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    const { method, url, headers } = request;
    const seen = () => ({
      method,
      url,
      host: headers.host,
      body,
      headers: Object.fromEntries(
        Object.entries(headers)
          .filter(([name]) => !own.test(name))
          .sort(),
      ),
    });
    const verdict = verdictOf(url, seen);
    response.writeHead(verdict.status, verdict.headers).end(verdict.body);
  });
}).listen(Number(http[1]), http[0], function () {
  console.log(`http ${this.address().port}`);
});

/** Just as much protobuf as envoy.service.auth.v3.CheckResponse needs. */
const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
const number = (field, value) => Buffer.from([...varint(field << 3), ...varint(value)]);
const bytes = (field, value) =>
  Buffer.concat([Buffer.from([...varint((field << 3) | 2), ...varint(value.length)]), value]);
const text = (field, value) => bytes(field, Buffer.from(value));
const header = (field, name, value) => bytes(field, bytes(1, Buffer.concat([text(1, name), text(2, value)])));
const headers = (field, all) =>
  Object.entries(all).flatMap(([name, values]) => [values].flat().map((value) => header(field, name, value)));

function checkResponse({ status, headers: all, body }) {
  const { "x-envoy-auth-headers-to-remove": removed, ...rest } = all;
  if (status === 200) {
    const remove = removed === undefined ? [] : [text(5, removed)];
    return Buffer.concat([bytes(1, number(1, 0)), bytes(3, Buffer.concat([...headers(2, rest), ...remove]))]);
  }
  if (status === 403) return bytes(1, number(1, 7));
  const denied = Buffer.concat([bytes(1, number(1, status)), ...headers(2, rest), text(3, body)]);
  return Buffer.concat([bytes(1, number(1, 7)), bytes(2, denied)]);
}

const server = createHttp2Server();
server.on("stream", (stream) => {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  stream.on("error", () => {});
  stream.on("end", () => {
    const request = Buffer.concat(chunks).toString("latin1");
    const path =
      /\/[\w/-]*(?:deny-401|redirect|created|none|missing|fails|busy|tester|untester|deny)\b/.exec(request)?.[0] ?? "/";
    const verdict = verdictOf(path, () => ({}));
    const fails = verdict.status >= 500;
    const message = fails ? Buffer.alloc(0) : checkResponse(verdict);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": fails ? "14" : "0" }));
    stream.end(fails ? undefined : Buffer.concat([prefix, message]));
  });
});
server.listen(Number(grpc[1]), grpc[0], function () {
  console.log(`grpc ${this.address().port}`);
});
