import type { Head } from "../http1/head.ts";
import type { Choice, CompiledRoute, Target } from "../route/compiled.ts";

/** Stands for the route until one is found. */
export const noRoute: CompiledRoute = {
  name: "",
  configSource: "",
  match: { exactPath: undefined, prefix: undefined, test: undefined },
  action: { kind: "direct", status: 404, body: "" },
  requestEdits: undefined,
  responseEdits: undefined,
  attemptCount: false,
  attemptCountInResponse: false,
  filters: new Map(),
};

/** The cluster that this request goes to; by weight where there are several. */
export function choose(
  target: Target,
  request: { readonly head: Head; readonly random: () => number },
): Choice | undefined {
  switch (target.kind) {
    case "one":
      return target.choice;
    case "weighted": {
      const at = request.random() * target.total;
      return target.choices.find((choice) => at < choice.upTo) ?? target.choices.at(-1);
    }
    case "header": {
      const name = request.head.get(target.name);
      const slot = name === undefined ? undefined : target.slots.find(name);
      if (slot === undefined) return undefined;
      return { slot, requestEdits: undefined, responseEdits: undefined, hostRewrite: undefined };
    }
  }
}
