import { CaptureError } from "./apply.ts";
import type { CaptureMethod } from "./capture-method.ts";
import { ebpfCapture } from "./ebpf/ebpf-capture.ts";
import { iptablesCapture } from "./iptables-capture.ts";

/** auto: by eBPF where kernel and privileges allow it, else by iptables. */
export type CaptureChoice = "iptables" | "ebpf" | "auto";

interface ChoiceContext {
  /** Folder of the control groups (cgroup2) that pods are in. */
  readonly groups: string;
  readonly log: { warn(fields: object, message: string): void };
}

/** Throws CaptureError where eBPF was asked for and cannot be had. */
export function chooseCapture(choice: CaptureChoice, { groups, log }: ChoiceContext): CaptureMethod {
  if (choice === "iptables") return iptablesCapture();
  try {
    return ebpfCapture(groups);
  } catch (error) {
    if (choice === "ebpf" || !(error instanceof CaptureError)) throw error;
    log.warn({ error: error.message }, "eBPF cannot be had here, capturing by iptables");
    return iptablesCapture();
  }
}
