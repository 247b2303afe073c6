import { type CustomKind, isCustom } from "../custom-kinds.ts";
import type { Kind } from "../kinds.ts";
import { BuiltInShapes } from "./built-in-shapes.ts";
import { customShape } from "./custom-shapes.ts";
import type { StructShape } from "./shape.ts";

/** The shapes of all kinds. */
export class Shapes {
  readonly builtIn = new BuiltInShapes();
  readonly #custom = new WeakMap<CustomKind, StructShape>();

  of(kind: Kind): StructShape {
    if (!isCustom(kind)) return this.builtIn.ofKind(kind) ?? nothingKnown;
    const known = this.#custom.get(kind);
    if (known !== undefined) return known;
    const shape = customShape(kind.schema, this.builtIn.ofType("meta.v1.ObjectMeta") ?? nothingKnown);
    this.#custom.set(kind, shape);
    return shape;
  }
}

const nothingKnown: StructShape = {
  kind: "struct",
  name: "",
  atomic: false,
  fields: new Map(),
  others: { kind: "any" },
};
