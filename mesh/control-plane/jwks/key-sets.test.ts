import { afterEach, expect, test } from "vitest";
import { KeySets } from "./key-sets.ts";

const set = (kid: string): string => JSON.stringify({ keys: [{ kty: "EC", kid }] });
const opened: KeySets[] = [];
afterEach(() => {
  for (const one of opened.splice(0)) one.stop();
});

/** Answers by address; what is no answer is an error. */
function open(answers: Record<string, string | Error>) {
  const asked: string[] = [];
  let changes = 0;
  const sets = new KeySets({
    onChange: () => {
      changes += 1;
    },
    fetch: async (url) => {
      asked.push(url);
      const answer = answers[url] ?? new Error("not found");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    refreshMs: 20,
    firstRetryMs: 10,
  });
  opened.push(sets);
  return { sets, asked, changed: () => changes };
}

const direct = { kind: "keys", url: "https://idp/keys", timeoutMs: 5000 } as const;

test("keys are fetched, and again; nobody's key stands in until they are there", async () => {
  const answers: Record<string, string | Error> = { [direct.url]: set("one") };
  const { sets, changed } = open(answers);
  sets.want([direct]);
  expect(sets.keys.get(direct.url)).toContain("unavailable");
  await expect.poll(() => sets.keys.get(direct.url)).toBe(set("one"));
  const kept = sets.keys;
  sets.want([direct]);
  expect(sets.keys).toBe(kept);
  answers[direct.url] = set("two");
  await expect.poll(() => sets.keys.get(direct.url)).toBe(set("two"));
  expect(changed()).toBe(2);
});

test("an issuer is asked where its keys are", async () => {
  const issuer = { kind: "issuer", url: "https://idp/", timeoutMs: 5000 } as const;
  const { sets } = open({
    "https://idp/.well-known/openid-configuration": JSON.stringify({ jwks_uri: "https://idp/k" }),
    "https://idp/k": set("one"),
  });
  sets.want([issuer]);
  await expect.poll(() => sets.keys.get(issuer.url)).toBe(set("one"));
});

test("a failure leaves the former keys in force, is told, and tried again", async () => {
  const answers: Record<string, string | Error> = { [direct.url]: set("one") };
  const { sets } = open(answers);
  sets.want([direct]);
  await expect.poll(() => sets.keys.get(direct.url)).toBe(set("one"));
  answers[direct.url] = new Error("it is away");
  await expect.poll(() => sets.problems).toEqual([{ url: direct.url, message: "it is away" }]);
  expect(sets.keys.get(direct.url)).toBe(set("one"));
  answers[direct.url] = set("two");
  await expect.poll(() => sets.problems).toEqual([]);
  expect(sets.keys.get(direct.url)).toBe(set("two"));
});

test.each([
  ["no JSON", "<html>", "did not answer with JSON"],
  ["no keys", '{"keys":[]}', "holds no keys"],
])("%s is a failure", async (_, answer, message) => {
  const { sets } = open({ [direct.url]: answer });
  sets.want([direct]);
  await expect.poll(() => sets.problems[0]?.message).toContain(message);
});

test("what is not wanted any more is forgotten", async () => {
  const { sets, asked } = open({ [direct.url]: set("one") });
  sets.want([direct]);
  await expect.poll(() => sets.keys.get(direct.url)).toBe(set("one"));
  sets.want([]);
  expect(sets.keys.size).toBe(0);
  const count = asked.length;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(asked.length).toBe(count);
});
