/** A difference that is meant. `*` stands for anything. */
export interface KnownDifference {
  /** `case/step` and the path in the answer. */
  readonly at: `${string}/${string}: ${string}`;
  readonly reason: string;
}

/** Where the embedded API server answers differently from Kubernetes, and why that is as it should be. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    at: "objects/replace another identity: body.message",
    reason: "Kubernetes names the key in etcd, which there is none of here",
  },
];

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");

/** The entry that covers a difference at `case/step: path`. */
export function knownAt(where: string): KnownDifference | undefined {
  return knownDifferences.find(({ at }) => new RegExp(`^${at.split("*").map(escaped).join(".*")}$`, "s").test(where));
}
