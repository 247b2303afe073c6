// Answers 1 KB over HTTP on 8080; swallows what comes on 7000 and says how much it was.
const { createServer } = require("node:net");
const http = require("node:http");

const body = Buffer.alloc(1024, "a");
http.createServer((_, response) => response.end(body)).listen(8080);
createServer((socket) => {
  let bytes = 0;
  socket.on("error", () => {});
  socket.on("data", (data) => {
    bytes += data.length;
  });
  socket.on("end", () => socket.end(String(bytes)));
}).listen(7000);
