import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { parseSync } from "rolldown/utils";

/** The part of JSON Schema that a CustomResourceDefinition may use. */
export interface Schema {
  type?: string;
  format?: string;
  enum?: unknown;
  pattern?: string;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  not?: Schema;
  [limit: string]: unknown;
}

type Node = { readonly type: string } & Readonly<Record<string, unknown>>;

interface Module {
  readonly path: string;
  readonly functions: ReadonlyMap<string, Node>;
  /** Values of the module's constants: lists of allowed values, formats. */
  readonly constants: ReadonlyMap<string, unknown>;
  readonly imports: ReadonlyMap<string, string>;
  /** Name of the function that is exported as `validate`. */
  readonly entry: string;
}

const compositions = ["anyOf", "oneOf", "not"] as const;
const limits = [
  "maxItems",
  "maxLength",
  "maxProperties",
  "maximum",
  "minItems",
  "minLength",
  "minProperties",
  "minimum",
];

/**
 * Reads schemas back from the packages' compiled validators, which are all that the packages carry of the published definitions:
 * one function for each schema, whose error literals hold the keywords and whose calls hold the structure.
 */
export class SchemaReader {
  readonly #modules = new Map<string, Module>();

  /** Schema of a validator file. */
  read(path: string): Schema {
    const module = this.#load(path);
    return this.#schemaOf(module, module.entry);
  }

  #load(path: string): Module {
    const known = this.#modules.get(path);
    if (known !== undefined) return known;
    const module = parseModule(path);
    this.#modules.set(path, module);
    return module;
  }

  #schemaOf(module: Module, name: string): Schema {
    const source = module.imports.get(name);
    if (source !== undefined) {
      // Metadata is the API server's own business: a definition only says that it is an object.
      if (source.endsWith("MetaV1ObjectMeta")) return { type: "object" };
      return this.read(resolveImport(module.path, source));
    }
    const body = module.functions.get(name);
    if (body === undefined) throw new Error(`${module.path} has no function ${name}`);
    const schema: Schema = {};
    const parts: Schema[] = [];
    const visit = (node: Node): void => {
      addKeyword(schema, node, module);
      const call = callOf(node);
      if (call !== undefined) this.#addCall(schema, parts, { module, ...call });
      for (const child of children(node)) visit(child);
    };
    visit(body);
    return compose(schema, parts);
  }

  #addCall(schema: Schema, parts: Schema[], { module, callee, argument }: Call & { readonly module: Module }): void {
    if (!module.functions.has(callee) && !module.imports.has(callee)) return;
    const target = (): Schema => this.#schemaOf(module, callee);
    if (argument.type === "Identifier") parts.push(target());
    else if (argument.type === "MemberExpression") {
      const property = argument.property as Node;
      const key = property.type === "Literal" ? property.value : argument.computed ? undefined : property.name;
      if (typeof key === "string") schema.properties = { ...schema.properties, [key]: target() };
      else if (String(property.name).startsWith("key")) schema.additionalProperties = target();
      else schema.items = target();
    }
  }
}

interface Call {
  readonly callee: string;
  readonly argument: Node;
}

function callOf(node: Node): Call | undefined {
  if (node.type !== "CallExpression") return undefined;
  const callee = node.callee as Node;
  const [argument] = node.arguments as Node[];
  if (callee.type !== "Identifier" || argument === undefined) return undefined;
  return { callee: String(callee.name), argument };
}

/** An error literal `{ schemaPath, keyword, params }` tells one keyword of the schema. */
function addKeyword(schema: Schema, node: Node, module: Module): void {
  if (node.type !== "ObjectExpression") return;
  const fields = new Map(
    (node.properties as Node[]).map((property) => [String((property.key as Node).name), property.value as Node]),
  );
  const keyword = fields.get("keyword")?.value;
  if (typeof keyword !== "string" || !fields.has("schemaPath")) return;
  const params = literalOf(fields.get("params")!, module) as Record<string, unknown>;
  if (keyword === "type") schema.type = String(params.type);
  else if (keyword === "enum") schema.enum = params.allowedValues;
  else if (keyword === "pattern") schema.pattern = String(params.pattern);
  else if (keyword === "format") schema.format = String(params.format);
  else if (keyword === "required") {
    schema.required = [...new Set([...(schema.required ?? []), String(params.missingProperty)])];
  } else if (limits.includes(keyword)) schema[keyword] = params.limit;
  else if (keyword === "anyOf" || keyword === "oneOf") schema[keyword] = [];
  else if (keyword === "not") schema.not = {};
  else throw new Error(`${module.path} uses the keyword ${keyword}, which this reader does not know`);
}

/** Calls on the value itself are the branches of a composition or, without one, a reference to be merged. */
function compose(schema: Schema, parts: readonly Schema[]): Schema {
  const used = compositions.filter((keyword) => schema[keyword] !== undefined);
  if (used.length > 1)
    throw new Error(`a schema has ${used.join(" and ")} at once, which this reader cannot tell apart`);
  const [composition] = used;
  if (composition === undefined) return [...parts, schema].reduce(merge, {});
  if (composition === "not") return { ...schema, not: parts[0]! };
  return { ...schema, [composition]: [...parts] };
}

/** Go's embedded structs: the fields of both. */
function merge(first: Schema, second: Schema): Schema {
  const properties = { ...first.properties, ...second.properties };
  const required = [...new Set([...(first.required ?? []), ...(second.required ?? [])])];
  return {
    ...first,
    ...second,
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(required.length === 0 ? {} : { required }),
  };
}

function parseModule(path: string): Module {
  const { program, errors } = parseSync(path, readFileSync(path, "utf8"));
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]!.message}`);
  const functions = new Map<string, Node>();
  const constants = new Map<string, unknown>();
  const imports = new Map<string, string>();
  let entry = "";
  const module: Module = { path, functions, constants, imports, entry };
  const declare = (declaration: Node): void => {
    for (const { id, init } of declaration.declarations as { id: Node; init: Node | null }[]) {
      const name = String(id.name);
      if (name === "validate") entry = String(init?.name);
      else if (init !== null) constants.set(name, literalOf(init, module));
    }
  };
  for (const statement of program.body as unknown as readonly Node[]) {
    if (statement.type === "FunctionDeclaration")
      functions.set(String((statement.id as Node).name), statement.body as Node);
    else if (statement.type === "VariableDeclaration") declare(statement);
    else if (statement.type === "ExportNamedDeclaration") declare(statement.declaration as Node);
    else if (statement.type === "ImportDeclaration") {
      const source = String((statement.source as Node).value);
      for (const { local } of statement.specifiers as { local: Node }[]) {
        if (source.includes("_schemas/") || source.startsWith("./")) imports.set(String(local.name), source);
      }
    }
  }
  return { ...module, entry };
}

/** Value of a literal expression; formats and functions, which are no literals, become their names. */
function literalOf(node: Node, module: Module): unknown {
  switch (node.type) {
    case "Literal":
      return node.value;
    case "UnaryExpression":
      return node.operator === "-"
        ? -Number(literalOf(node.argument as Node, module))
        : !literalOf(node.argument as Node, module);
    case "ArrayExpression":
      return (node.elements as Node[]).map((element) => literalOf(element, module));
    case "ObjectExpression":
      return Object.fromEntries(
        (node.properties as Node[]).map(({ key, value }) => [
          String((key as Node).name ?? (key as Node).value),
          literalOf(value as Node, module),
        ]),
      );
    case "TemplateLiteral":
      return (node.quasis as { value: { cooked: string } }[]).map(({ value }) => value.cooked).join("");
    case "Identifier":
      return module.constants.get(String(node.name));
    default:
      return undefined;
  }
}

function* children(node: Node): Iterable<Node> {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) yield* value.filter(isNode);
    else if (isNode(value)) yield value;
  }
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "type" in value;

function resolveImport(from: string, source: string): string {
  const file = source.endsWith(".js") ? source : `${source}.js`;
  if (source.startsWith(".")) return join(dirname(from), file);
  // The package exports no such path, but its files lie where npm puts them.
  const [scope, name, ...rest] = file.split("/");
  const root = createRequire(from)
    .resolve.paths(source)
    ?.find((folder) => folder.endsWith("node_modules") && !folder.includes("@"));
  return join(root ?? "", scope!, name!, ...rest);
}
