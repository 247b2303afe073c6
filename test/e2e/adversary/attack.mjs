// What an intruder's pod tries, told by a line of JSON; prints what came of it. Run with node -e in the pod.
import { connect as http2 } from "node:http2";
import { connect as plain } from "node:net";
import { text } from "node:stream/consumers";
import { connect as secure } from "node:tls";

const {
  how,
  host,
  port,
  request = "",
  headers = {},
  cert,
  key,
  alpn = [],
  servername,
} = JSON.parse(await text(process.stdin));
const tls = {
  host,
  port,
  cert,
  key,
  rejectUnauthorized: false,
  ALPNProtocols: alpn,
  ...(servername && { servername }),
};

const exchange = (socket) =>
  new Promise((resolve) => {
    let answer = "";
    socket.setTimeout(5000, () => socket.destroy());
    socket.on("data", (chunk) => (answer += chunk.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer === "" ? "closed" : answer));
  });

async function tunnel() {
  const session = http2(`https://${host}:${port}`, {
    createConnection: () => secure({ ...tls, ALPNProtocols: ["h2"] }),
  });
  return new Promise((resolve) => {
    session.on("error", () => resolve("closed"));
    session.on("close", () => resolve("closed"));
    const stream = session.request(headers);
    stream.on("response", (answer) => resolve(`status ${answer[":status"]}`));
    stream.on("error", () => resolve("closed"));
    setTimeout(() => resolve("no answer"), 5000).unref();
  }).finally(() => session.destroy());
}

if (how === "tunnel") console.log(await tunnel());
else {
  const socket =
    how === "tls" ? secure(tls, () => socket.write(request)) : plain({ host, port }, () => socket.write(request));
  console.log(await exchange(socket));
}
process.exit(0);
