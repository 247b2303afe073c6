import type { HeaderValueOption } from "#gen/xds/envoy/config/core/v3/base.ts";
import type { Head } from "../http1/head.ts";
import { compileFormat, type Format, type FormatContext } from "./format.ts";

/** What a rule changes about a head: additions first, then removals, as Envoy does. */
export interface HeaderEdits {
  apply(head: Head, context: FormatContext): void;
}

type Action = "append" | "add-if-absent" | "overwrite" | "overwrite-if-present";

interface Addition {
  readonly name: string;
  readonly value: string | Format;
  readonly action: Action;
}

const actions: readonly Action[] = ["append", "add-if-absent", "overwrite", "overwrite-if-present"];
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Compiles additions and removals; undefined when there are none. Throws for names that are no header names. */
export function compileHeaderEdits(
  add: readonly HeaderValueOption[],
  remove: readonly string[],
): HeaderEdits | undefined {
  if (add.length === 0 && remove.length === 0) return undefined;
  const additions = add.map(compileAddition);
  const removals = remove.map((name) => name.toLowerCase());
  return {
    apply: (head, context) => {
      for (const addition of additions) applyAddition(head, addition, context);
      for (const name of removals) head.remove(name);
    },
  };
}

function compileAddition(option: HeaderValueOption): Addition {
  const name = (option.header?.key ?? "").toLowerCase();
  if (name !== ":authority" && name !== ":path" && !token.test(name)) throw new Error(`"${name}" is not a header name`);
  const raw = option.header?.rawValue;
  const text = option.header?.value || (raw === undefined ? "" : Buffer.from(raw).toString("latin1"));
  return { name, value: compileFormat(text), action: actionOf(option) };
}

function actionOf(option: HeaderValueOption): Action {
  if (option.append !== undefined) return option.append ? "append" : "overwrite";
  return actions[option.appendAction] ?? "append";
}

function applyAddition(head: Head, addition: Addition, context: FormatContext): void {
  const { name, action } = addition;
  const value = typeof addition.value === "string" ? addition.value : addition.value(context);
  if (value === undefined) return;
  if (name === "host" || name === ":authority") {
    head.setAuthority(value);
    return;
  }
  if (name === ":path") {
    head.path = value;
    return;
  }
  if (action === "append") head.add(name, value);
  else if (action === "overwrite") head.set(name, value);
  else if (head.has(name) === (action === "overwrite-if-present")) head.set(name, value);
}

/** Several in their order as one. */
export function joinEdits(edits: readonly (HeaderEdits | undefined)[]): HeaderEdits | undefined {
  const real = edits.filter((edit) => edit !== undefined);
  if (real.length < 2) return real[0];
  return {
    apply: (head, context) => {
      for (const edit of real) edit.apply(head, context);
    },
  };
}
