import { connectEngine } from "#cluster/kind/engine.ts";
import { listAllNodes } from "#cluster/kind/nodes.ts";

/** First processes of the nodes of a Slipway's cluster, as this machine sees them. */
export async function nodeProcesses(cluster: string): Promise<readonly number[]> {
  const nodes = (await listAllNodes(await connectEngine())).filter((node) => isOf(cluster, node.cluster));
  return Promise.all(nodes.map(async ({ container }) => (await container.inspect()).State.Pid));
}

/** Names of the containers of a Slipway's cluster. */
export async function containersOf(cluster: string): Promise<readonly string[]> {
  const nodes = await listAllNodes(await connectEngine());
  return nodes.filter((node) => isOf(cluster, node.cluster)).map(({ name }) => name);
}

/** kind's name may have more to it, where the plain one was taken. */
const isOf = (cluster: string, kindName: string): boolean =>
  kindName === `slipway-${cluster}` || kindName.startsWith(`slipway-${cluster}-`);
