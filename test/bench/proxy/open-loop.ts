/**
 * An open-loop client: requests start at a fixed rate whatever the answers do, and latency counts from when a request should have
 * started. Arguments: port, requests per second, seconds, connections. Sends its result over IPC.
 */
import { connect, type Socket } from "node:net";
import { build } from "hdr-histogram-js";

const [port = 0, rate = 0, seconds = 0, connections = 0] = process.argv.slice(2).map(Number);
const request = "GET / HTTP/1.1\r\nHost: cart\r\n\r\n";
const histogram = build({
  lowestDiscernibleValue: 1,
  highestTrackableValue: 60_000_000,
  numberOfSignificantValueDigits: 3,
});
const idle: Lane[] = [];
const waiting: number[] = [];
let done = 0;

interface Lane {
  readonly socket: Socket;
  intended: number;
  left: number;
}

function open(): Lane {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  const lane: Lane = { socket, intended: 0, left: 0 };
  socket.on("data", (chunk: Buffer) => {
    if (lane.left === 0) {
      const text = chunk.toString("latin1");
      const end = text.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      lane.left = end + 4 + length;
    }
    lane.left -= chunk.length;
    if (lane.left > 0) return;
    lane.left = 0;
    histogram.recordValue(Math.max(1, Math.round((performance.now() - lane.intended) * 1000)));
    done += 1;
    const next = waiting.shift();
    if (next === undefined) idle.push(lane);
    else send(lane, next);
  });
  return lane;
}

function send(lane: Lane, intended: number): void {
  lane.intended = intended;
  lane.socket.write(request, "latin1");
}

for (let index = 0; index < connections; index += 1) idle.push(open());
await new Promise((resolve) => setTimeout(resolve, 500));
const began = performance.now();
let started = 0;
const timer = setInterval(() => {
  const now = performance.now();
  if (now - began > seconds * 1000) {
    clearInterval(timer);
    setTimeout(() => {
      process.send?.({
        p50: histogram.getValueAtPercentile(50),
        p99: histogram.getValueAtPercentile(99),
        started,
        done,
      });
      process.exit(0);
    }, 500);
    return;
  }
  for (const due = ((now - began) / 1000) * rate; started < due; started += 1) {
    const intended = began + (started / rate) * 1000;
    const lane = idle.pop();
    if (lane === undefined) waiting.push(intended);
    else send(lane, intended);
  }
}, 1);
