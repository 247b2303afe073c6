import { asArray, asObject, asString, type JsonObject } from "../../machinery/json.ts";
import type { FieldProblem } from "../status.ts";
import { containerProblems } from "./containers.ts";
import { duplicate, forbidden, labelProblems, oneOf, required } from "./problems.ts";

/** Ways in which a pod may be started again. */
export const RESTARTS = ["Always", "OnFailure", "Never"];

export function podProblems(spec: JsonObject, path: string): readonly FieldProblem[] {
  const names = new Set<string>();
  const volumes = new Set(asArray(spec.volumes).map((volume) => asString(asObject(volume).name)));
  return [
    ...volumeProblems(spec, path),
    ...(asArray(spec.containers).length === 0 ? [required(`${path}.containers`)] : []),
    ...["containers", "initContainers"].flatMap((list) =>
      asArray(spec[list]).flatMap((container, index) =>
        containerProblems(asObject(container), { path: `${path}.${list}[${index}]`, volumes, names }),
      ),
    ),
    ...oneOf({ object: spec, name: "restartPolicy", path }, RESTARTS),
    ...oneOf({ object: spec, name: "dnsPolicy", path }, ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
  ];
}

function volumeProblems(spec: JsonObject, path: string): readonly FieldProblem[] {
  const names = new Set<string>();
  return asArray(spec.volumes)
    .map(asObject)
    .flatMap((volume, index) => {
      const at = `${path}.volumes[${index}]`;
      const name = asString(volume.name);
      // Kubernetes looks for an empty directory first.
      const kinds = Object.keys(volume)
        .filter((key) => key !== "name")
        .toSorted((a, b) => Number(b === "emptyDir") - Number(a === "emptyDir"));
      const problems: FieldProblem[] = kinds
        .slice(1)
        .map((kind) => forbidden(`${at}.${kind}`, "may not specify more than 1 volume type"));
      if (name === "") problems.push(required(`${at}.name`));
      else if (names.has(name)) problems.push(duplicate(`${at}.name`, name));
      else problems.push(...labelProblems(`${at}.name`, name));
      names.add(name);
      return problems;
    });
}
