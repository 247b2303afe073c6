// `steady`: requests at a rate over 4 kept connections; `connections`: new ones; `bytes`: over so many connections at once.
const http = require("node:http");
const net = require("node:net");

const [mode, amount, seconds] = process.argv.slice(1);
const MEGABYTES = 512;

function get(agent) {
  return new Promise((resolve, reject) =>
    http.get({ host: "server", agent }, (response) => response.resume().on("end", resolve)).on("error", reject),
  );
}

/** Open loop: a request's time counts from when it was to begin. */
async function steady(rate, duration) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 });
  const times = [];
  const begin = performance.now();
  const total = duration * rate;
  const running = [];
  for (let index = 0; index < total; index++) {
    const due = begin + (index * 1000) / rate;
    const wait = due - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    // Timers may be a fraction early.
    const start = Math.min(due, performance.now());
    running.push(get(agent).then(() => times.push(performance.now() - start)));
  }
  await Promise.all(running);
  times.sort((a, b) => a - b);
  return { requests: total, p50: times[total >> 1], p99: times[Math.floor(total * 0.99)] };
}

async function connections() {
  const end = performance.now() + 3000;
  let count = 0;
  const one = async () => {
    while (performance.now() < end) {
      await get(false);
      count++;
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
  return count / 3;
}

/** Gigabits per second. */
async function throughput(parallel) {
  const chunk = Buffer.alloc(64 * 1024);
  const each = (MEGABYTES * 1024 * 1024) / parallel;
  const begin = performance.now();
  const one = () =>
    new Promise((resolve, reject) => {
      let sent = 0;
      const socket = net.connect(7000, "server", () => {
        const pump = () => {
          while (sent < each) {
            sent += chunk.length;
            if (!socket.write(chunk)) return socket.once("drain", pump);
          }
          socket.end();
        };
        pump();
      });
      socket.on("data", () => {}).on("error", reject);
      socket.on("close", resolve);
    });
  await Promise.all(Array.from({ length: parallel }, one));
  return (MEGABYTES * 8 * 1.048576) / (performance.now() - begin);
}

async function main() {
  if (mode === "steady") return steady(Number(amount), Number(seconds));
  if (mode === "connections") return { perSecond: await connections() };
  return { gbitPerSecond: await throughput(Number(amount)), gbit: (MEGABYTES * 8 * 1.048576) / 1000 };
}

main().then(
  (figures) => {
    console.log(JSON.stringify(figures));
    process.exit();
  },
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
