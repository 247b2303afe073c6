import { describe, expect, it } from "vitest";
import { decodeProtobuf } from "./protobuf-body.ts";

const varint = (value: number): Buffer =>
  value < 0x80 ? Buffer.from([value]) : Buffer.concat([Buffer.from([(value & 0x7f) | 0x80]), varint(value >>> 7)]);
const field = (number: number, ...parts: (Buffer | string)[]): Buffer => {
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
};
const number = (at: number, value: number): Buffer => Buffer.concat([varint(at << 3), varint(value)]);
const body = (kind: string, ...fields: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from("k8s\0"), field(1, field(1, "v1"), field(2, kind)), field(2, ...fields)]);

describe("bodies in protobuf", () => {
  const meta = field(1, field(1, "a"), field(2, ""), number(7, 0), field(8), field(11, field(1, "app"), field(2, "x")));

  it.each([
    ["maps and empty fields", body("ConfigMap", meta, field(2, field(1, "k"), field(2, "v"))), { data: { k: "v" } }],
    ["bytes", body("Secret", meta, field(2, field(1, "k"), field(2, "v"))), { data: { k: "dg==" } }],
    [
      "lists, numbers or names, optional zeros",
      body(
        "Service",
        meta,
        field(
          2,
          field(1, number(3, 80), field(4, number(1, 1), field(3, "http")), number(5, 0)),
          field(4, "ClusterIP"),
        ),
      ),
      { spec: { ports: [{ port: 80, targetPort: "http" }], type: "ClusterIP" } },
    ],
    ["a zero that counts", body("Deployment", meta, field(2, number(1, 0))), { spec: { replicas: 0 } }],
    [
      "a nested message that is the parent's own",
      body("Ingress", meta, field(2, field(3, field(1, "h"), field(2, field(1, ""))))),
      { spec: { rules: [{ host: "h", http: {} }] } },
    ],
  ])("reads %s", (_, bytes, expected) => {
    expect(decodeProtobuf(bytes)).toMatchObject({
      apiVersion: "v1",
      metadata: { name: "a", labels: { app: "x" } },
      ...expected,
    });
    expect(decodeProtobuf(bytes).metadata).not.toHaveProperty("creationTimestamp");
  });

  it.each([
    ["another format", Buffer.from("{}"), 400],
    ["a body that is cut off", body("ConfigMap", meta).subarray(0, -3), 400],
    ["a kind that is not known", body("Widget"), 415],
    ["a field that is not known", body("ConfigMap", meta, field(9, "text")), 415],
  ])("refuses %s", (_, bytes, code) => {
    expect(() => decodeProtobuf(bytes)).toThrow(expect.objectContaining({ code }));
  });
});
