import { createServer } from "node:net";
import { expect, test } from "vitest";
import { markedSockets } from "./mark.ts";

/** Marks need NET_ADMIN; mark 0 is what every socket has, so setting it shows the rest of the way. */
const canMark = (() => {
  try {
    markedSockets(0)().destroy();
    return true;
  } catch {
    return false;
  }
})();

test.runIf(canMark)("a marked socket waits for the lookup of a name", async () => {
  const server = createServer((connection) => connection.pipe(connection));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const socket = markedSockets(0)();
  socket.connect({
    host: "echo.example",
    port,
    lookup: (_name, _options, found) => void setTimeout(() => found(null, [{ address: "127.0.0.1", family: 4 }]), 50),
  });
  socket.end("hello");
  const answer = await socket.setEncoding("utf8").toArray();
  expect(answer.join("")).toBe("hello");
  server.close();
});
