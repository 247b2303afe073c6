import { type AddressInfo, createServer } from "node:net";
import { startApiServer } from "#cluster/embedded/apiserver/app.ts";
import { systemClock } from "#cluster/embedded/machinery/clock.ts";

/** An embedded API server as a process of its own, for tests that kill it: `server-process.ts FOLDER`. Says its kubeconfig when it listens. */
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const outerServer = createServer();
await new Promise<void>((resolve) => outerServer.listen(0, "127.0.0.1", resolve));
const api = await startApiServer({
  stateDir: process.argv[2] ?? "",
  server: `https://127.0.0.1:${(outerServer.address() as AddressInfo).port}`,
  serviceCidr: "10.96.0.0/16",
  clusterAddress: { address: "127.0.0.1", port: 0 },
  outerServer,
  logger: silent,
  clock: systemClock,
});
process.stdout.write(`${JSON.stringify(api.kubeconfig)}\n`);
// Nobody needs it when its test has gone.
process.stdin.on("end", () => process.exit()).resume();
