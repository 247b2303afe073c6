import type { Server } from "node:net";
import pino from "pino";
import { toErrorReport } from "#api/errors.ts";
import { buildCluster, type EmbeddedCluster } from "./app.ts";
import type { FromCluster, ToCluster } from "./protocol.ts";

/** The process that is the embedded cluster: the first one of its own namespaces, told what to do by its parent. */
const logger = pino({ level: process.env.SLIPWAY_LOG ?? "info", base: null, timestamp: pino.stdTimeFunctions.isoTime });
let cluster: Promise<EmbeddedCluster> | undefined;
let ending = false;

const tell = (message: FromCluster): void => void process.send?.(message);

async function end(): Promise<void> {
  if (ending) return;
  ending = true;
  try {
    await (await cluster)?.stop();
  } catch (error) {
    logger.error({ error: String(error) }, "stopping failed");
  }
  // As the first process of the namespaces: with it, everything in them ends.
  process.exit(0);
}

process.on("message", (message: ToCluster, handle: unknown) => {
  if (message.type === "stop") return void end();
  cluster = buildCluster({
    config: message.config,
    outerServer: handle as Server,
    logger,
    onProgress: (text) => tell({ type: "progress", text }),
  });
  cluster.then(
    ({ kubeconfig, version }) => tell({ type: "ready", kubeconfig, version }),
    (error: unknown) => {
      logger.error({ error: error instanceof Error ? error.stack : String(error) }, "the cluster did not start");
      tell({ type: "failed", error: toErrorReport(error) });
    },
  );
});
// Whoever provides the cluster holds the other end of the channel; without it nobody could ever stop us.
process.on("disconnect", () => void end());
process.on("SIGTERM", () => void end());
process.on("SIGINT", () => {}); // a terminal's Ctrl-C is for the host
process.on("uncaughtException", (error) => logger.error({ error: error.stack }, "uncaught"));
process.on("unhandledRejection", (error) =>
  logger.error({ error: error instanceof Error ? error.stack : String(error) }, "unhandled rejection"),
);
