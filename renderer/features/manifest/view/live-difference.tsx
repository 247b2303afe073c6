import type { ObjectReference } from "#api/kinds/object.ts";
import { useQuery } from "../../../bridge/hooks.ts";
import { ErrorCard } from "../../../ui/error-card.tsx";
import { documentOf, withoutServerFields } from "../documents.ts";
import Difference from "./difference.tsx";

export interface LiveDifferenceProps {
  readonly object: ObjectReference;
  /** The text that describes the object, perhaps among others. */
  readonly yaml: string;
}

/** What an apply would change in one object: the cluster's side and the editor's. */
export default function LiveDifference({ object, yaml }: LiveDifferenceProps) {
  const { data, error } = useQuery("manifest.live", object);
  const title = `${object.kind} ${object.name}`;
  if (error) return <ErrorCard error={error} />;
  if (data === undefined) return <p className="manifest-note muted">Reading {title} …</p>;
  if (data.yaml === undefined || data.yaml === null)
    return <p className="manifest-note">{title} is not in the cluster yet: all of it is new.</p>;
  return (
    <figure className="difference">
      <figcaption className="muted">{title}: red is what the cluster has, green what an apply would set</figcaption>
      <Difference live={withoutServerFields(data.yaml)} edited={documentOf(yaml, object)} />
    </figure>
  );
}
