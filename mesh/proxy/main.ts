import { ConfigurationError, istioVersion, readConfig, slipwayVersion } from "./config.ts";

const usage = `usage: pilot-agent proxy sidecar|router [--domain …]    runs the proxy
       pilot-agent istio-iptables …                     draws the capture rules of the pod
       pilot-agent request GET|POST PATH                asks the proxy's admin port
       pilot-agent packets [--seconds 60] [--host ADDRESS]  shows what is on the pod's wire
       pilot-agent wait [--timeoutSeconds 60]           waits until the proxy is ready
       pilot-agent version`;

const [command = "", ...args] = process.argv.slice(2);

switch (command) {
  case "proxy":
    await proxy();
    break;
  case "istio-iptables": {
    const { runIstioIptables } = await import("#mesh/capture/init/main.ts");
    process.exitCode = runIstioIptables(args);
    break;
  }
  case "packets": {
    const { runPackets } = await import("#mesh/capture/packets/main.ts");
    process.exitCode = await runPackets(args);
    break;
  }
  case "request": {
    const { requestAdmin } = await import("./agent/commands.ts");
    process.exitCode = await requestAdmin(args);
    break;
  }
  case "wait": {
    const { waitUntilReady } = await import("./agent/commands.ts");
    process.exitCode = await waitUntilReady(args);
    break;
  }
  case "version":
    console.log(`slipway ${slipwayVersion}, speaking Istio ${istioVersion}`);
    break;
  default:
    console.error(usage);
    process.exitCode = 64;
}

async function proxy(): Promise<void> {
  const { runProxy } = await import("./run-proxy.ts");
  try {
    await runProxy(readConfig({ args, env: process.env }));
  } catch (error) {
    console.error(error instanceof ConfigurationError ? `pilot-agent: ${error.message}` : error);
    process.exit(error instanceof ConfigurationError ? 64 : 1);
  }
}
