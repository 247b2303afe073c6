// Makes calls over TLS, each over a connection of its own, and prints what came back: node tls-client.mjs PORT < calls as JSON
import { text } from "node:stream/consumers";
import { connect } from "node:tls";

const call = ({ sni, request, cert, key }) =>
  new Promise((resolve) => {
    let answer = "";
    const options = { host: "127.0.0.1", port: Number(process.argv[2]), rejectUnauthorized: false, cert, key };
    const socket = connect({ ...options, ...(sni === "" ? {} : { servername: sni }) }, () => socket.write(request));
    socket.setTimeout(5000, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });

const answers = [];
for (const one of JSON.parse(await text(process.stdin))) answers.push(await call(one));
console.log(JSON.stringify(answers));
