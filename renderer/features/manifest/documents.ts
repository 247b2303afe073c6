import { parseAllDocuments, stringify } from "yaml";
import type { ObjectReference } from "#api/kinds/object.ts";

interface Manifest {
  readonly kind?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly status?: unknown;
}

/** Metadata that the API server writes and nobody applies. */
const serverMetadata = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"];

const manifestsOf = (text: string): readonly (Manifest | null)[] =>
  [...parseAllDocuments(text)].map((document) => document.toJS() as Manifest | null);

/** The part of a text that describes this object, as `comparable` writes it; empty if there is none. */
export function documentOf(text: string, { kind, name }: ObjectReference): string {
  const found = manifestsOf(text).find((value) => value?.kind === kind && value?.metadata?.name === name);
  return found === undefined || found === null ? "" : comparable(found);
}

/** An object of the cluster without what the server adds. */
export function withoutServerFields(text: string): string {
  return comparable(manifestsOf(text)[0] ?? {});
}

/** In one order of fields, so that two texts of the same object differ only where the objects do. */
function comparable({ status: _, ...rest }: Manifest): string {
  const metadata = Object.fromEntries(
    Object.entries(rest.metadata ?? {}).filter(([key]) => !serverMetadata.includes(key)),
  );
  return stringify({ ...rest, metadata }, { sortMapEntries: true });
}
