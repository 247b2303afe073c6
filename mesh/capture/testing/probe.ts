/**
 * Run by the tests inside a network namespace of its own: sets the rules given by its arguments, plays proxy, application and client,
 * and prints what became of each connection as JSON. No traffic leaves the two namespaces.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { applyCapture } from "../apply.ts";
import { markedSockets } from "../mark.ts";
import { parseInitCommand } from "../options.ts";
import { originalDestinations } from "../original-destination.ts";
import { canDistinguishUsers } from "../users.ts";

const POD = "10.244.0.7";
const OTHER = "10.244.0.9";
const APPLICATION = 8080;
const EXCLUDED = 15021;
const originalDestination = originalDestinations();

/** Every server answers with its name and where the connection was meant to go. */
async function serve(name: string, port: number): Promise<Server> {
  const server = createServer((socket) => {
    const to = originalDestination(socket);
    socket.on("error", () => {});
    socket.end(`${name} ${to === undefined ? "direct" : `${to.address}:${to.port}`}`);
  });
  server.listen({ port, host: "0.0.0.0" });
  await once(server, "listening");
  return server;
}

/** Dials in a process of its own, which a prefix puts into another namespace or makes another user. */
function dial(
  prefix: readonly string[],
  to: { readonly host: string; readonly port: number; readonly from?: string },
): Promise<string> {
  const options = JSON.stringify({ host: to.host, port: to.port, localAddress: to.from });
  const script = `require("node:net").connect(${options}).on("error", (e) => console.log(e.code)).on("data", (d) => process.stdout.write(d))`;
  const [command = process.execPath, ...args] = [...prefix, process.execPath, "-e", script];
  return new Promise((resolve) => {
    execFile(command, args, { timeout: 5000 }, (error, stdout) =>
      resolve(stdout.trim() || String(error?.message ?? "")),
    );
  });
}

function read(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("utf8").setTimeout(3000, () => socket.destroy());
    socket.on("data", (chunk: string) => {
      text += chunk;
    });
    socket.on("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    socket.on("close", () => resolve(text));
  });
}

/** A pod's namespace (this one) and a neighbour's, joined by a cable. Gives the neighbour's prefix and its end. */
function wire(): { readonly neighbour: readonly string[]; end(): void } {
  const holder = spawn("unshare", ["--net", "sleep", "60"]);
  const neighbour = ["nsenter", "--target", String(holder.pid), "--net"];
  const own = execFileSync("readlink", ["/proc/self/ns/net"], { encoding: "utf8" });
  const theirs = (): string => execFileSync("readlink", [`/proc/${holder.pid}/ns/net`], { encoding: "utf8" });
  while (theirs() === own) execFileSync("sleep", ["0.01"]);
  const ip = (line: string, prefix: readonly string[] = []): void => {
    const [command = "ip", ...args] = [...prefix, "ip", ...line.split(" ")];
    execFileSync(command, args);
  };
  ip("link set lo up");
  ip(`link add eth0 type veth peer name eth0 netns ${holder.pid}`);
  ip(`addr add ${POD}/24 dev eth0`);
  ip("link set eth0 up");
  ip("link set lo up", neighbour);
  ip(`addr add ${OTHER}/24 dev eth0`, neighbour);
  ip("link set eth0 up", neighbour);
  return { neighbour, end: () => holder.kill() };
}

const savedRules = (): readonly string[] =>
  execFileSync("iptables-save", ["-t", "nat"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.startsWith("-A"));

const asUser = (id: number): readonly string[] => [
  "setpriv",
  "--reuid",
  String(id),
  "--regid",
  String(id),
  "--clear-groups",
];

async function main(): Promise<void> {
  const { neighbour, end } = wire();
  const distinguishes = canDistinguishUsers();
  const { capture } = parseInitCommand(process.argv.slice(2));
  const proxy = distinguishes ? "owner" : "mark";
  applyCapture(capture, { proxy });
  const rules = savedRules();
  applyCapture(capture, { proxy });
  const again = savedRules();
  const servers = await Promise.all([
    serve("outbound", 15001),
    serve("inbound", 15006),
    serve("application", APPLICATION),
    serve("health", EXCLUDED),
  ]);
  const byProxy = (to: { readonly host: string; readonly port: number; readonly from?: string }): Promise<string> => {
    if (distinguishes) return dial(asUser(1337), to);
    const { host, port, from } = to;
    return read(markedSockets()().connect({ host, port, ...(from === undefined ? {} : { localAddress: from }) }));
  };
  try {
    const results = {
      distinguishes,
      rules,
      again,
      applicationToOther: await dial([], { host: OTHER, port: 9000 }),
      applicationToItself: await dial([], { host: POD, port: APPLICATION }),
      applicationToLoopback: await dial([], { host: "127.0.0.1", port: APPLICATION }),
      proxyToOther: await byProxy({ host: OTHER, port: 9000 }),
      proxyToItsPod: await byProxy({ host: POD, port: APPLICATION }),
      proxyPassthrough: await byProxy({ host: POD, port: APPLICATION, from: "127.0.0.6" }),
      otherToPod: await dial(neighbour, { host: POD, port: APPLICATION }),
      otherToExcluded: await dial(neighbour, { host: POD, port: EXCLUDED }),
    };
    console.log(JSON.stringify(results));
  } finally {
    for (const server of servers) server.close();
    end();
  }
}

await main();
