import { AppError } from "#api/errors.ts";
import { diagnose } from "./diagnose.ts";
import type { Engine } from "./engine.ts";
import { type KindNode, listNodes, runInNode } from "./nodes.ts";

const LOG_LINES = 40;
const JOURNAL_MS = 5000;

/**
 * kind says only which step has failed. Why is told by the nodes that it left: whether they run, what their system and their kubelet
 * wrote. Returns the error with the cause that this shows; one whose cause is known already comes back as it is.
 */
export async function explainFailure(engine: Engine, cluster: string, error: unknown): Promise<unknown> {
  if (!(error instanceof AppError) || error.code !== "CLUSTER_START_FAILED") return error;
  const nodes = await listNodes(engine, cluster).catch(() => []);
  const reports = await Promise.all(nodes.map((node) => reportOf(node).catch(String)));
  return diagnose("kind create cluster", [error.detail ?? "", ...reports].join("\n"));
}

async function reportOf(node: KindNode): Promise<string> {
  const { State } = await node.container.inspect();
  const state = State.Running
    ? "runs"
    : `ended with ${State.ExitCode}${State.OOMKilled ? ", killed by the kernel: out of memory" : ""} ${State.Error}`;
  const written = await node.container.logs({ stdout: true, stderr: true, tail: LOG_LINES });
  const journal = State.Running ? await journalOf(node).catch(() => "") : "";
  return [`node ${node.name} ${state}`, written.toString("utf8"), journal].join("\n");
}

/** What the services of a node said when they failed. */
const journalOf = (node: KindNode): Promise<string> =>
  runInNode(node, {
    args: [
      "journalctl",
      "--no-pager",
      "--output=cat",
      "--priority=warning",
      `--lines=${LOG_LINES}`,
      "--unit=kubelet",
      "--unit=containerd",
    ],
    signal: AbortSignal.timeout(JOURNAL_MS),
  });
