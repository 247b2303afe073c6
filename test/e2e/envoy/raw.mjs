// Sends texts as they are, each over a connection of its own, and prints what came back: node raw.mjs PORT < texts as JSON
import { connect } from "node:net";
import { text } from "node:stream/consumers";

/** A proxy that refuses waits for the client to close. */
const isWhole = (answer) => {
  const [head, body] = answer.split("\r\n\r\n", 2);
  const length = /^content-length: (\d+)$/im.exec(head)?.[1];
  return body !== undefined && length !== undefined && body.length >= Number(length);
};

const send = (request) =>
  new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(process.argv[2]), "127.0.0.1", () => socket.write(request, "latin1"));
    socket.setTimeout(5000, () => socket.destroy());
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (isWhole(answer)) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });

const answers = [];
for (const request of JSON.parse(await text(process.stdin))) answers.push(await send(request));
console.log(JSON.stringify(answers));
