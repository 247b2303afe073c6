/** "a: 1, b: 2" as headers; parts without a colon are left out. */
export function headersOf(text: string): Record<string, string> {
  const pairs = text.split(",").map((part) => part.split(":"));
  return Object.fromEntries(
    pairs
      .filter(([name, ...value]) => name?.trim() && value.length > 0)
      .map(([name = "", ...value]) => [name.trim().toLowerCase(), value.join(":").trim()]),
  );
}

export const textOf = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join(", ");
