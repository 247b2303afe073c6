import { spiffeId } from "#api/names.ts";
import { trustDomainsOf } from "../model/mesh-config.ts";
import type { Service, Snapshot } from "../model/snapshot.ts";
import type { Memo } from "./memo.ts";

type Known = Pick<Snapshot, "endpoints" | "mesh">;

/** SPIFFE names that a server of this service may have: those of its endpoints' accounts in each of the mesh's trust domains. */
export function serverIdentities(snapshot: Known, service: Service, memo: Memo): readonly string[] {
  const { endpoints, mesh } = snapshot;
  const fresh = memo.of(service, "identities", [endpoints.get(service.hostname), service, mesh], () =>
    identitiesIn(trustDomainsOf(mesh), snapshot, service),
  );
  // An endpoint that comes or goes seldom changes the identities: equal ones keep the cluster as it is.
  const kept = memo.of(service, "identities-kept", [service], () => ({ value: fresh }));
  if (!same(kept.value, fresh)) kept.value = fresh;
  return kept.value;
}

function identitiesIn(domains: readonly string[], { endpoints }: Known, service: Service): readonly string[] {
  const own = (endpoints.get(service.hostname) ?? []).flatMap(({ workload }) =>
    workload === undefined
      ? []
      : domains.map((domain) => spiffeId(workload.namespace, workload.serviceAccount, domain)),
  );
  return [...new Set([...own, ...service.subjectAltNames])].toSorted();
}

const same = (a: readonly string[], b: readonly string[]): boolean => a.join(" ") === b.join(" ");
