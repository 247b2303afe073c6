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
  { at: "lists/a token that is none: body.message", reason: "Go's words for what is wrong with JSON" },
  {
    at: "kinds/DaemonSet: body.metadata*",
    reason: "an annotation for what came before ControllerRevisions, which nothing here reads",
  },
  {
    at: "kinds/PersistentVolumeClaim: body.metadata.finalizers",
    reason: "there is no controller that protects volumes",
  },
  { at: "kinds/PersistentVolumeClaim: body.spec.storageClassName", reason: "kind brings a default class of storage" },
  { at: "rows/PersistentVolumeClaim: body.rows.0.cells[5]", reason: "kind brings a default class of storage" },
  {
    at: "watches/too old: *",
    reason: "a new store still remembers its first revision; the store's own tests have one that is gone",
  },
  {
    at: "definition-rules/a rule that is no expression: *",
    reason: "the words of the parser of cel-go, for an expression that is none",
  },
  {
    at: "custom-objects/*: body.metadata.managedFields[*].time",
    reason: "Kubernetes forgets when a custom object was scaled",
  },
  {
    at: "custom-versions/*: body.metadata.managedFields",
    reason: "Kubernetes forgets all managers when a field of theirs is not in the version that is stored",
  },
  {
    at: "webhooks/other-authority: *",
    reason: "Go says which authority it tried before it says that it knows none",
  },
  { at: "webhooks/patch-missing*: *", reason: "the words of a library of Go's for patches that do not apply" },
  {
    at: "webhook-rules/a token: body.message",
    reason: "a request for a token has no managed fields and no time of creation here",
  },
  {
    at: "restarts/a watch that goes on: *",
    reason: "nothing was missed, so a watch goes on here; Kubernetes' cache of events begins anew with every start",
  },
  {
    at: "restarts/the next page*: *",
    reason:
      "the store keeps no past states over a restart: the page is Expired, with a token that goes on with today's state",
  },
  {
    at: "rights/a binding to another role: body.message",
    reason: "the roles for people have fewer rules here: there are fewer kinds",
  },
  { at: "abuse/YAML that is none: body.message", reason: "the words of a YAML parser" },
  { at: "rights/a group without a user: body.message", reason: "a value as Go prints it" },
];

/** The same of what needs a node, and is compared on a whole cluster (test/e2e/streams.test.ts). */
export const knownStreamDifferences: readonly KnownDifference[] = [
  { at: "streams/a command that there is not: *", reason: "the words of runc; there is none here" },
  {
    at: "streams/a log of a pod that waits: body.message",
    reason: "whether a pull has just failed or is waited with is a matter of the moment",
  },
  { at: "streams/no command: *", reason: "the words of runc; there is none here" },
  { at: "streams/a port that nobody listens on: *", reason: "the words of containerd name its sandbox" },
];

const escaped = (text: string): string => text.replace(/[.+?^${}()|[\]\\]/g, "\\$&");

/** The entry that covers a difference at `case/step: path`. */
export function knownAt(where: string, known = knownDifferences): KnownDifference | undefined {
  return known.find(({ at }) => new RegExp(`^${at.split("*").map(escaped).join(".*")}$`, "s").test(where));
}
