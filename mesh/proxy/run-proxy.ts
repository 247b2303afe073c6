import { markedSockets } from "#mesh/capture/mark.ts";
import { canDistinguishUsers } from "#mesh/capture/users.ts";
import { createMarkedRelay } from "./agent/marked-relay.ts";
import { buildProxy } from "./app.ts";
import type { ProxyConfig } from "./config.ts";
import { createDataPlane } from "./data-plane-create.ts";

/** Runs the proxy in this process until it is told to end; then drains and exits with 0. */
export async function runProxy(config: ProxyConfig): Promise<void> {
  let ending = false;
  const relay = canDistinguishUsers() ? undefined : createMarkedRelay(markedSockets());
  const end = (): void => {
    if (ending) return;
    ending = true;
    void proxy.stop().finally(() => process.exit(0));
  };
  const proxy = await buildProxy(config, { createDataPlane, onQuit: end, ...(relay === undefined ? {} : { relay }) });
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
}
