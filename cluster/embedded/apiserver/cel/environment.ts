import { Functions } from "./functions.ts";
import { authorizer } from "./library/authorizer.ts";
import { kubernetes } from "./library/kubernetes.ts";
import { lists } from "./library/lists.ts";
import { standard } from "./library/standard.ts";
import { strings } from "./library/strings.ts";
import type { CelType } from "./types.ts";

/** The functions of every expression in Kubernetes. */
export const functions = new Functions([...standard, ...strings, ...lists, ...kubernetes, ...authorizer]);

/** The variables that an expression may name. */
export type Variables = ReadonlyMap<string, CelType>;
