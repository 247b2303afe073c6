import { type Json, type JsonObject, setMember } from "../machinery/json.ts";
import { StatusError } from "../machinery/resources.ts";
import { messages } from "./protobuf-messages.ts";
import { badRequest } from "./status.ts";

/** What begins a body in Kubernetes' protobuf format. Behind it is a message Unknown: type, the object's bytes. */
const MAGIC = Buffer.from("k8s\u0000");

/**
 * The object in a body of type application/vnd.kubernetes.protobuf, which Go's typed clients prefer. A kind or field that is not
 * known here is refused, never dropped; such a client can be told to send JSON.
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw badRequest("the body is not in Kubernetes' protobuf format");
  const unknown = fieldsOf(body.subarray(MAGIC.length));
  const type = fieldsOf(bytesAt(unknown, 1));
  const apiVersion = bytesAt(type, 1).toString();
  const kind = bytesAt(type, 2).toString();
  if (messages[kind] === undefined) throw unsupported(`kind ${kind}`);
  return { apiVersion, kind, ...decodeMessage(kind, bytesAt(unknown, 2)) };
}

interface WireField {
  readonly number: number;
  /** A number for varints, else the bytes. */
  readonly value: bigint | Buffer;
}

interface FieldType {
  readonly name: string;
  readonly type: string;
}

const unsupported = (what: string): StatusError =>
  new StatusError(
    415,
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: application/json, application/yaml (${what} is not known in protobuf)`,
  );

const bytesAt = (fields: readonly WireField[], number: number): Buffer => {
  const value = fields.findLast((field) => field.number === number)?.value;
  return Buffer.isBuffer(value) ? value : Buffer.alloc(0);
};

const numberAt = (fields: readonly WireField[], number: number): number => {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0;
};

function decodeMessage(name: string, bytes: Buffer): JsonObject {
  const types = typesOf(name);
  const result: JsonObject = {};
  for (const { number, value } of fieldsOf(bytes)) {
    const field = types.get(number);
    if (field === undefined) {
      // Go writes every plain field, also an empty one.
      if (Buffer.isBuffer(value) ? isEmptyMessage(value) : value === 0n) continue;
      throw unsupported(`field ${number} of ${name}`);
    }
    addField(result, field, value);
  }
  return result;
}

/** A message without content, or one that holds only such messages and zeros. */
function isEmptyMessage(bytes: Buffer): boolean {
  if (bytes.length === 0) return true;
  try {
    return fieldsOf(bytes).every(({ value }) => (Buffer.isBuffer(value) ? isEmptyMessage(value) : value === 0n));
  } catch {
    return false;
  }
}

function addField(target: JsonObject, { name, type }: FieldType, value: bigint | Buffer): void {
  if (type.startsWith("[]")) {
    const list = target[name];
    const item = decodeValue(type.slice(2), value);
    if (Array.isArray(list)) list.push(item);
    else target[name] = [item];
  } else if (type.startsWith("{}")) {
    const entry = fieldsOf(Buffer.isBuffer(value) ? value : Buffer.alloc(0));
    const present = target[name];
    const map: JsonObject = typeof present === "object" && present !== null && !Array.isArray(present) ? present : {};
    setMember(map, bytesAt(entry, 1).toString(), decodeValue(type.slice(2), bytesAt(entry, 2)));
    target[name] = map;
  } else if (name === "-") {
    Object.assign(target, decodeValue(type, value));
  } else if (value !== 0n || !type.endsWith("0")) {
    const decoded = decodeValue(type, value);
    // Go's plain fields are written when empty, where JSON leaves them out.
    if (decoded !== "" && decoded !== undefined && !(type === "time" && decoded === null)) target[name] = decoded;
  }
}

function decodeValue(type: string, value: bigint | Buffer): Json {
  if (type === "int" || type === "int0") return typeof value === "bigint" ? Number(BigInt.asIntN(64, value)) : 0;
  if (type === "bool" || type === "bool0") return value === 1n;
  const bytes = Buffer.isBuffer(value) ? value : Buffer.alloc(0);
  switch (type) {
    case "string":
      return bytes.toString();
    case "bytes":
      return bytes.toString("base64");
    case "time": {
      const seconds = numberAt(fieldsOf(bytes), 1);
      return bytes.length === 0 || seconds <= 0 ? null : new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
    }
    case "quantity":
      return bytesAt(fieldsOf(bytes), 1).toString();
    case "intOrString": {
      const fields = fieldsOf(bytes);
      return numberAt(fields, 1) === 0 ? numberAt(fields, 2) : bytesAt(fields, 3).toString();
    }
    default:
      return decodeMessage(type, bytes);
  }
}

function typesOf(message: string): ReadonlyMap<number, FieldType> {
  const fields = (messages[message] ?? "").split(";").filter((field) => field !== "");
  return new Map(
    fields.map((field) => {
      const [number = "", name = "", type = ""] = field.split(" ");
      return [Number(number), { name, type }];
    }),
  );
}

/** Takes a message apart. Source: the encoding of protocol buffers. */
function fieldsOf(bytes: Buffer): readonly WireField[] {
  const fields: WireField[] = [];
  let position = 0;
  const varint = (): bigint => {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position++];
      if (byte === undefined) break;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
    throw badRequest("the body is cut off or damaged");
  };
  const take = (length: number): Buffer => {
    if (position + length > bytes.length) throw badRequest("the body is cut off or damaged");
    position += length;
    return bytes.subarray(position - length, position);
  };
  while (position < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    switch (key & 7) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        fields.push({ number, value: take(8) });
        break;
      case 2:
        fields.push({ number, value: take(Number(varint())) });
        break;
      case 5:
        fields.push({ number, value: take(4) });
        break;
      default:
        throw badRequest("the body is cut off or damaged");
    }
  }
  return fields;
}
