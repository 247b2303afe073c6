import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { captureTables, type RuleContext, restoreInput } from "./iptables.ts";
import type { CaptureOptions } from "./options.ts";

/** A message for people: what could not be done, and what to do about it. */
export class CaptureError extends Error {
  override readonly name = "CaptureError";
}

interface Tool {
  readonly family: RuleContext["family"];
  readonly save: string;
  readonly restore: string;
}

const ipv4: Tool = { family: "ipv4", save: "iptables-save", restore: "iptables-restore" };
const ipv6: Tool = { family: "ipv6", save: "ip6tables-save", restore: "ip6tables-restore" };

/** What iptables-restore was given, by family. */
export interface AppliedRules {
  readonly family: RuleContext["family"];
  readonly input: string;
}

export interface ApplyCaptureOptions {
  readonly proxy: RuleContext["proxy"];
  readonly dryRun?: boolean;
}

/** Sets the rules in this process's network namespace, replacing those of an earlier run. Throws CaptureError. */
export function applyCapture(capture: CaptureOptions, options: ApplyCaptureOptions): readonly AppliedRules[] {
  const nameServers = capture.redirectDns ? readNameServers() : [];
  return families().map((tool) => {
    const tables = captureTables(capture, { family: tool.family, proxy: options.proxy, nameServers });
    // Without the right to look (a dry run by an ordinary user) the rules are shown as for a fresh pod.
    const saved = options.dryRun ? "" : runTool(tool.save, []);
    const input = restoreInput(tables, saved);
    if (!options.dryRun && input !== "") runTool(tool.restore, ["--noflush", "--wait"], input);
    return { family: tool.family, input };
  });
}

/** Removes the rules. */
export function removeCapture(): readonly AppliedRules[] {
  return families().map((tool) => {
    const input = restoreInput([], runTool(tool.save, []));
    if (input !== "") runTool(tool.restore, ["--noflush", "--wait"], input);
    return { family: tool.family, input };
  });
}

/** IPv6 rules only where a pod has such an address, as Istio does: many kernels lack the tables. */
function families(): readonly Tool[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const hasIpv6 = addresses.some(
    ({ family, internal, address }) => family === "IPv6" && !internal && !address.startsWith("fe80:"),
  );
  return hasIpv6 ? [ipv4, ipv6] : [ipv4];
}

function readNameServers(): readonly string[] {
  const lines = readFileSync("/etc/resolv.conf", "utf8").split("\n");
  return lines.flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
}

function runTool(command: string, args: readonly string[], input = ""): string {
  const { error, status, stdout, stderr } = spawnSync(command, args, { input, encoding: "utf8" });
  if (error !== undefined && "code" in error && error.code === "ENOENT") {
    throw new CaptureError(
      `${command} is not installed, and traffic cannot be captured without it: install the package iptables on the machine (or in the image)`,
    );
  }
  if (error !== undefined) throw new CaptureError(`${command} could not be started: ${error.message}`);
  if (status === 0) return stdout;
  const said = stderr.trim();
  if (/permission denied|operation not permitted|you must be root/i.test(said)) {
    throw new CaptureError(
      `${command} may not change the pod's rules: the container needs the capabilities NET_ADMIN and NET_RAW and user 0 (it said: ${said})`,
    );
  }
  const atLine = /line[: ]+(\d+)/i.exec(said)?.[1];
  const line = atLine === undefined ? undefined : input.split("\n")[Number(atLine) - 1];
  throw new CaptureError(`${command} refused the rules${line === undefined ? "" : ` at "${line}"`}: ${said}`);
}
