import { afterAll, beforeAll, expect, test } from "vitest";
import { configMap } from "./case.ts";
import { startEmbedded } from "./embedded.ts";

let embedded: Awaited<ReturnType<typeof startEmbedded>>;
beforeAll(async () => {
  embedded = await startEmbedded();
});
afterAll(() => embedded?.stop());

const maps = "/api/v1/namespaces/default/configmaps";

interface Page {
  readonly items?: readonly { readonly metadata: { readonly name: string } }[];
  readonly metadata: { readonly continue?: string };
  readonly reason?: string;
}

async function page(query: string): Promise<Page & { readonly names: readonly string[] }> {
  const { text } = await embedded.client.send({ method: "GET", path: `${maps}?labelSelector=of=pages&${query}` });
  const answer = JSON.parse(text) as Page;
  return { ...answer, names: (answer.items ?? []).map(({ metadata }) => metadata.name) };
}

const create = (name: string): Promise<unknown> =>
  embedded.client.send({
    method: "POST",
    path: maps,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(configMap(name, {}, { labels: { of: "pages" } })),
  });

test("a page whose state is forgotten says how to go on with today's", async () => {
  for (const name of ["a", "b", "c"]) await create(name);
  const first = await page("limit=1");
  expect(first.names).toEqual(["a"]);
  await create("d");
  await embedded.restart?.();
  const expired = await page(`limit=1&continue=${first.metadata.continue}`);
  expect(expired.reason).toBe("Expired");
  expect((await page(`continue=${expired.metadata.continue}`)).names).toEqual(["b", "c", "d"]);
});
