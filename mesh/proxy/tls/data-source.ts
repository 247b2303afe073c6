import { readFileSync } from "node:fs";
import type { DataSource } from "#gen/xds/envoy/config/core/v3/base.ts";

/** The bytes that a data source speaks of; none when it names nothing. Throws when a file cannot be read. */
export function bytesOf(source: DataSource): Buffer {
  switch (source.specifier?.$case) {
    case "inlineString":
      return Buffer.from(source.specifier.value, "utf8");
    case "inlineBytes":
      return Buffer.from(source.specifier.value);
    case "filename":
      return readFileSync(source.specifier.value);
    case "environmentVariable":
      return Buffer.from(process.env[source.specifier.value] ?? "", "utf8");
    default:
      return Buffer.alloc(0);
  }
}
