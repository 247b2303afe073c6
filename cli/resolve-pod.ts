import { AppError } from "#api/errors.ts";
import type { PodSummary } from "#api/rpc/terminal.ts";

/** POD, POD.NAMESPACE, or a workload such as deploy/cart-v2, of which the first ready pod is taken. Throws NOT_FOUND. */
export function resolvePod(
  pods: readonly PodSummary[],
  text: string,
  defaultNamespace: string,
): { readonly namespace: string; readonly pod: string } {
  const slash = text.lastIndexOf("/");
  const [name = "", namespace = defaultNamespace] = text.slice(slash + 1).split(".", 2);
  const fits = pods.filter(
    (pod) => pod.namespace === namespace && (slash === -1 ? pod.name === name : pod.workload === name),
  );
  const found = fits.find((pod) => pod.ready) ?? fits[0];
  if (found === undefined)
    throw new AppError("NOT_FOUND", `there is no pod ${name} in namespace ${namespace}`, {
      hint: "Name it as POD.NAMESPACE or with -n.",
    });
  return { namespace, pod: found.name };
}
