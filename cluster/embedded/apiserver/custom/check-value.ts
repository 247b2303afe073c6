import { RE2JS } from "re2js";
import { asArray, asObject, equalJson, isObject, type Json, type JsonObject } from "../../machinery/json.ts";
import type { FieldProblem } from "../status.ts";
import { type Correlation, unchanged } from "./correlation.ts";
import { hasFormat, isKnownFormat } from "./formats.ts";

/** What one schema says of one value: how many of its parts applied, and what is wrong. */
interface Outcome {
  readonly problems: readonly FieldProblem[];
  readonly matches: number;
}

/**
 * Why a value does not fit a schema: types, bounds, patterns, formats, alternatives. What an update leaves as it was (`old`) is not
 * judged again. Source: OpenAPI 3 as Kubernetes' custom resources know it.
 */
export function valueProblems(
  schema: JsonObject,
  value: Json,
  path: string,
  old?: Correlation,
): readonly FieldProblem[] {
  return judge(schema, value, { path, old }).problems;
}

interface Place {
  readonly path: string;
  readonly old: Correlation | undefined;
}

function judge(schema: JsonObject, value: Json, place: Place): Outcome {
  if (place.old !== undefined && unchanged(place.old, value)) return { problems: [], matches: 1 };
  const { path } = place;
  const parts: (Outcome | undefined)[] =
    value === null
      ? [typeProblem(schema, value, path), enumProblem(schema, value, path)].map(only)
      : [
          only(typeProblem(schema, value, path)),
          alternatives(schema, value, place),
          typeof value === "string" ? all(stringProblems(schema, value, path)) : undefined,
          typeof value === "string" ? all(formatProblems(schema, value, path)) : undefined,
          typeof value === "number" ? all(numberProblems(schema, value, path)) : undefined,
          Array.isArray(value) ? items(schema, value, place) : undefined,
          only(enumProblem(schema, value, path)),
          isObject(value) ? members(schema, value, place) : undefined,
        ];
  const said = parts.filter((part) => part !== undefined);
  return {
    problems: said.flatMap(({ problems }) => problems),
    matches: said.reduce((sum, { matches }) => sum + matches + 1, 1),
  };
}

const only = (problem: FieldProblem | undefined): Outcome => ({
  problems: problem === undefined ? [] : [problem],
  matches: 1,
});
const all = (problems: Iterable<FieldProblem>): Outcome => ({ problems: [...problems], matches: 1 });

const problem = (path: string, value: Json, why: string): FieldProblem => ({
  field: path,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
/** What is wrong with a value as a whole has no field of its own. */
const general = (why: string): FieldProblem => problem("<nil>", "", why);

export function typeOf(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number";
  return typeof value;
}

function typeProblem(schema: JsonObject, value: Json, path: string): FieldProblem | undefined {
  const isEither = schema["x-kubernetes-int-or-string"] === true;
  const types = isEither ? ["integer", "string"] : typeof schema.type === "string" ? [schema.type] : [];
  if (types.length === 0) return undefined;
  const found = typeOf(value);
  if (value === null ? schema.nullable === true : types.includes(found)) return undefined;
  if (found === "integer" && types.includes("number")) return undefined;
  return {
    field: path,
    message: `Invalid value: ${JSON.stringify(found)}: ${path} in body must be of type ${types.join(",")}: ${JSON.stringify(found)}`,
    reason: "FieldValueTypeInvalid",
  };
}

function enumProblem(schema: JsonObject, value: Json, path: string): FieldProblem | undefined {
  const allowed = asArray(schema.enum);
  if (allowed.length === 0 || allowed.some((one) => equalJson(one, value))) return undefined;
  const names = allowed.map((one) => JSON.stringify(typeof one === "string" ? one : JSON.stringify(one)));
  return {
    field: path,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${names.join(", ")}`,
    reason: "FieldValueNotSupported",
  };
}

const length = (text: string): number => [...text].length;

function* stringProblems(schema: JsonObject, value: string, path: string): Generator<FieldProblem> {
  const { minLength, maxLength, pattern } = schema;
  if (typeof maxLength === "number" && length(value) > maxLength) {
    yield {
      field: path,
      message: `Too long: may not be more than ${maxLength} byte${maxLength === 1 ? "" : "s"}`,
      reason: "FieldValueTooLong",
    };
    return;
  }
  if (typeof minLength === "number" && length(value) < minLength) {
    yield problem(path, value, `${path} in body should be at least ${minLength} chars long`);
    return;
  }
  if (typeof pattern === "string" && !RE2JS.compile(pattern).matcher(value).find())
    yield problem(path, value, `${path} in body should match '${pattern}'`);
}

function* formatProblems({ type, format }: JsonObject, value: string, path: string): Generator<FieldProblem> {
  if (typeof format !== "string" || !isKnownFormat(typeof type === "string" ? type : "", format)) return;
  if (type !== "integer" && type !== "number" && !hasFormat(value, format))
    yield {
      ...problem(path, value, `${path} in body must be of type ${format}: ${JSON.stringify(value)}`),
      reason: "FieldValueTypeInvalid",
    };
}

const INT32 = 2 ** 31;

function* numberProblems(schema: JsonObject, value: number, path: string): Generator<FieldProblem> {
  const { type, format, minimum, maximum, multipleOf } = schema;
  if (type === "integer" && !Number.isInteger(value))
    yield general(`Checked value must be of type integer (default format) in ${path}`);
  else if (type === "integer" && format === "int32" && (value < -INT32 || value >= INT32))
    yield general(`Checked value must be of type integer with format int32 in ${path}`);
  else if (type === "number" && format === "float" && Math.abs(value) > 3.4028234663852886e38)
    yield general(`Checked value must be of type number with format float in ${path}`);
  if (typeof multipleOf === "number" && !Number.isInteger(Number((value / multipleOf).toPrecision(15))))
    yield problem(path, value, `${path} in body should be a multiple of ${multipleOf}`);
  if (typeof maximum === "number" && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum))
    yield problem(path, value, `${path} in body should be less than ${orEqual(schema.exclusiveMaximum)}${maximum}`);
  if (typeof minimum === "number" && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum))
    yield problem(path, value, `${path} in body should be greater than ${orEqual(schema.exclusiveMinimum)}${minimum}`);
}

const orEqual = (exclusive: Json | undefined): string => (exclusive === true ? "" : "or equal to ");

const tooMany = (path: string, found: number, most: number): FieldProblem => ({
  field: path,
  message: `Too many: ${found}: must have at most ${most} item${most === 1 ? "" : "s"}`,
  reason: "FieldValueTooMany",
});

function items(schema: JsonObject, value: readonly Json[], { path, old }: Place): Outcome {
  const { minItems, maxItems } = schema;
  const outcomes = isObject(schema.items)
    ? value.map((item, index) =>
        judge(asObject(schema.items), item, { path: `${path}[${index}]`, old: old?.item(schema, item) }),
      )
    : [];
  const problems = outcomes.flatMap((outcome) => outcome.problems);
  if (typeof minItems === "number" && value.length < minItems)
    problems.push(problem(path, value.length, `${path} in body should have at least ${minItems} items`));
  if (typeof maxItems === "number" && value.length > maxItems) problems.push(tooMany(path, value.length, maxItems));
  return { problems, matches: outcomes.reduce((sum, { matches }) => sum + matches, 1) };
}

function members(schema: JsonObject, value: JsonObject, { path, old }: Place): Outcome {
  const { minProperties, maxProperties, additionalProperties } = schema;
  const properties = asObject(schema.properties);
  const names = Object.keys(value).filter((name) => value[name] !== undefined);
  const problems: FieldProblem[] = [];
  if (typeof minProperties === "number" && names.length < minProperties)
    problems.push(problem(path, names.length, `${path} in body should have at least ${minProperties} properties`));
  if (typeof maxProperties === "number" && names.length > maxProperties)
    problems.push(tooMany(path, names.length, maxProperties));
  let matches = 1;
  for (const name of names) {
    const at = path === "" ? name : `${path}.${name}`;
    const of = properties[name] ?? additionalProperties;
    if (properties[name] === undefined && additionalProperties === false)
      problems.push(general(`${path}.${name} in body is a forbidden property`));
    if (!isObject(of)) continue;
    const outcome = judge(of, value[name] ?? null, { path: at, old: old?.member(schema, name) });
    problems.push(...outcome.problems);
    matches += outcome.matches;
  }
  for (const name of asArray(schema.required).map(String))
    if (value[name] === undefined)
      problems.push({
        field: path === "" ? name : `${path}.${name}`,
        message: "Required value",
        reason: "FieldValueRequired",
      });
  return { problems, matches };
}

function alternatives(schema: JsonObject, value: Json, place: Place): Outcome {
  // What stands in alternatives is not compared with what was.
  const of = (name: string): readonly Outcome[] =>
    asArray(schema[name]).map((one) => judge(asObject(one), value, { ...place, old: undefined }));
  const quoted = JSON.stringify(place.path);
  const problems: FieldProblem[] = [];
  const [any, one, every] = [of("anyOf"), of("oneOf"), of("allOf")];
  if (any.length > 0 && !any.some(isGood))
    problems.push(general(`${quoted} must validate at least one schema (anyOf)`), ...best(any));
  const good = one.filter(isGood).length;
  if (one.length > 0 && good !== 1) {
    const found = good === 0 ? "Found none valid" : `Found ${good} valid alternatives`;
    problems.push(general(`${quoted} must validate one and only one schema (oneOf). ${found}`));
    if (good === 0) problems.push(...best(one));
  }
  problems.push(...every.flatMap((outcome) => outcome.problems));
  if (!every.every(isGood)) {
    const none = every.some(isGood) ? "" : ". None validated";
    problems.push(general(`${quoted} must validate all the schemas (allOf)${none}`));
  }
  if (isObject(schema.not) && isGood(judge(schema.not, value, { ...place, old: undefined })))
    problems.push(general(`${quoted} must not validate the schema (not)`));
  return { problems, matches: 1 };
}

const isGood = ({ problems }: Outcome): boolean => problems.length === 0;

/** What is wrong with the alternative that fits best. */
const best = (outcomes: readonly Outcome[]): readonly FieldProblem[] =>
  outcomes.reduce((most, outcome) => (outcome.matches > most.matches ? outcome : most)).problems;
