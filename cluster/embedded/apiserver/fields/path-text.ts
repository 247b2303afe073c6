import type { JsonObject } from "../../machinery/json.ts";

/** `.spec.containers[name="web"].image`, as Kubernetes writes paths of managed fields. */
export function pathText(path: readonly string[]): string {
  return path
    .map((element) => {
      if (element.startsWith("f:")) return `.${element.slice(2)}`;
      if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
      const keys = Object.entries(JSON.parse(element.slice(2)) as JsonObject);
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
    })
    .join("");
}
