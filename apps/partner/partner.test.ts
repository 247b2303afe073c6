import { createServer, request } from "node:https";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issue, makeAuthority } from "../pki/authority.ts";
import { type Program, startProgram } from "../testing/program.ts";

let partner: Program;

beforeAll(async () => {
  partner = await startProgram(["partner", "partner.example"], { TLS_PORT: "0" });
});
afterAll(() => partner.stop());

test("in plain text it shows offers but no accounts, and remembers who called", async () => {
  expect((await fetch(`${partner.url}/offers`)).status).toBe(200);
  expect((await fetch(`${partner.url}/accounts`)).status).toBe(403);
  const { calls } = (await (await fetch(`${partner.url}/calls`)).json()) as { calls: { path: string; tls: boolean }[] };
  expect(calls.map(({ path, tls }) => [path, tls])).toEqual([
    ["/calls", false],
    ["/accounts", false],
    ["/offers", false],
  ]);
});

test("its certificate holds for its name and its own authority", async () => {
  const { cert: root, key: rootKey } = await makeAuthority("Partner Root CA");
  const { cert, key } = await issue({ cert: root, key: rootKey }, { name: "partner.example" });
  const server = createServer({ cert, key }, (_, response) => response.end("hello"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const ask = (options: { ca?: string; servername: string }): Promise<number | string | undefined> =>
    new Promise((resolve) => {
      const outgoing = request({ host: "127.0.0.1", port, ...options }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
      outgoing.end();
    });
  expect(await ask({ ca: root, servername: "partner.example" })).toBe(200);
  expect(await ask({ ca: root, servername: "other.example" })).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
  expect(await ask({ servername: "partner.example" })).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  server.close();
});
