/**
 * Run by the tests in a mount namespace of its own: a pod and a neighbour, each a network namespace, joined by a cable. Captures the pod
 * by eBPF, plays its proxy, application and DNS server, and prints what became of each connection as JSON.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmdirSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROXY_MARK } from "#api/names.ts";
import { CaptureError } from "../apply.ts";
import type { CaptureMethod } from "../capture-method.ts";
import { ebpfCapture } from "../ebpf/ebpf-capture.ts";
import { networkNamespaces } from "../namespaces.ts";

const POD = "10.244.0.7";
const OTHER = "10.244.0.9";

const run = (line: string): string => {
  const [command = "", ...args] = line.split(" ");
  return execFileSync(command, args, { encoding: "utf8" });
};

/** A network namespace, held by a process that ends by itself. */
function hold(): { readonly pid: number; readonly enter: readonly string[] } {
  const own = run("readlink /proc/self/ns/net");
  const { pid = 0 } = spawn("unshare", ["--net", "sleep", "30"], { stdio: "ignore" });
  while (run(`readlink /proc/${pid}/ns/net`) === own) execFileSync("sleep", ["0.01"]);
  return { pid, enter: ["nsenter", "--target", String(pid), "--net"] };
}

/** Runs a program there; it prints what is to be known. */
function evaluate(enter: readonly string[], script: string): Promise<string> {
  const [command = "", ...args] = [...enter, process.execPath, "-e", script];
  return new Promise((resolve) =>
    execFile(command, args, { timeout: 5000 }, (error, stdout) => resolve(stdout.trim() || String(error?.message))),
  );
}

const dial = (enter: readonly string[], host: string, port: number): Promise<string> =>
  evaluate(
    enter,
    `const s = require("net").connect(${port}, "${host}", () => process.stdout.write(s.remoteAddress + ":" + s.remotePort + " ")); s.on("error", (e) => console.log(e.code)).on("data", (d) => process.stdout.write(d))`,
  );

async function main(): Promise<void> {
  const groups = mkdtempSync(join(tmpdir(), "slipway-cgroup2-"));
  process.once("exit", () => {
    run(`umount --lazy ${groups}`);
    rmdirSync(groups);
  });
  run(`mount -t cgroup2 none ${groups}`);
  let method: CaptureMethod;
  try {
    method = ebpfCapture(groups);
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return console.log(JSON.stringify({ impossible: error.message }));
  }
  const pod = hold();
  const other = hold();
  run(`ip link add probe0 netns ${pod.pid} type veth peer name eth0 netns ${other.pid}`);
  for (const [{ enter }, link, address] of [[pod, "probe0", POD] as const, [other, "eth0", OTHER] as const])
    for (const line of ["link set lo up", `addr add ${address}/24 dev ${link}`, `link set ${link} up`])
      run([...enter, "ip", ...line.split(" ")].join(" "));
  const network = networkNamespaces(PROXY_MARK)(`/proc/${pod.pid}/ns/net`);
  const target = { network, address: POD };
  const serve = (name: string, port: number): number => {
    const fd = network.listen(port);
    createServer((socket: Socket) => {
      const to = method.originalDestination(target, socket);
      socket.on("error", () => undefined).end(`${name} ${to === undefined ? "direct" : `${to.address}:${to.port}`}`);
    }).listen({ fd });
    return fd;
  };
  serve("outbound", 15001);
  const listener = serve("inbound", 15006);
  serve("tunnel", 15008);
  serve("dns", 15053);
  const dns = createSocket("udp4");
  dns.on("message", (message, from) => dns.send(`answer to ${message.toString()}`, from.port, from.address));
  dns.bind({ fd: network.datagrams(15053) });
  const application = `const s = require("net").createServer((c) => c.on("error", () => {}).end("application " + c.remoteAddress)); s.listen(8080, "::"); require("net").createServer((c) => c.on("error", () => {}).end("application4 " + c.remoteAddress)).listen(8081, "0.0.0.0");`;
  const app = spawn(pod.enter[0]!, [...pod.enter.slice(1), process.execPath, "-e", application], { stdio: "ignore" });
  const neighbour = `const h = (c) => c.on("error", () => {}).end("neighbour " + c.remoteAddress); require("net").createServer(h).listen(9000); const u = require("dgram").createSocket("udp4"); u.on("message", (m, f) => u.send("real", f.port, f.address)).bind(53);`;
  const away = spawn(other.enter[0]!, [...other.enter.slice(1), process.execPath, "-e", neighbour], {
    stdio: "ignore",
  });
  await evaluate(pod.enter, `setTimeout(() => {}, 300)`);
  const speak = async (port: number, client: string): Promise<string> => {
    const socket = method.socketFor(target, client).connect({ host: POD, port });
    return (
      await socket
        .setEncoding("utf8")
        .on("error", () => undefined)
        .toArray()
    ).join("");
  };
  const question = (connected: boolean): Promise<string> =>
    evaluate(
      pod.enter,
      `const u = require("dgram").createSocket("udp4"); u.on("message", (m, f) => { console.log(m.toString() + " from " + f.address + ":" + f.port); u.close(); }); ${connected ? `u.connect(53, "${OTHER}", () => u.send("a"))` : `u.send("b", 53, "${OTHER}")`}; setTimeout(() => process.exit(), 1500)`,
    );
  const look = async () => ({
    out: await dial(pod.enter, OTHER, 9000),
    mapped: await dial(pod.enter, `::ffff:${OTHER}`, 9000),
    dnsOverTcp: await dial(pod.enter, OTHER, 53),
    itself: await dial(pod.enter, POD, 8081),
    loopback: await dial(pod.enter, "127.0.0.1", 8081),
    ownProxy: await dial(pod.enter, POD, 15001),
    arriving: await dial(other.enter, POD, 8081),
    nowhere: await dial(other.enter, POD, 4444),
    tunnel: await dial(other.enter, POD, 15008),
    intruder: await dial(other.enter, POD, 15001),
    elsewhere: await dial(other.enter, OTHER, 9000),
    asked: await question(false),
    askedConnected: await question(true),
  });
  await method.capture(target, { dns: true, listener });
  const captured = { ...(await look()), client: await speak(8081, OTHER), client6: await speak(8080, OTHER) };
  await method.capture(target, { dns: false, listener });
  const withoutDns = { asked: await question(false), out: await dial(pod.enter, OTHER, 9000) };
  // Another process of ours: its programs and this one's lead connections at the same time.
  const second = ebpfCapture(groups);
  await second.capture(target, { dns: true, listener });
  const shared = { out: await dial(pod.enter, OTHER, 9000), arriving: await dial(other.enter, POD, 8081) };
  await second.release(target);
  await method.release(target);
  const released = await look();
  console.log(JSON.stringify({ captured, withoutDns, shared, released }));
  app.kill();
  away.kill();
  process.exit();
}

await main();
