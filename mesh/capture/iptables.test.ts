import { describe, expect, test } from "vitest";
import { captureTables, type RuleContext, restoreInput } from "./iptables.ts";
import { parseInitCommand } from "./options.ts";
import { canDistinguishUsers } from "./users.ts";

const standard = [
  "-p",
  "15001",
  "-z",
  "15006",
  "-u",
  "1337",
  "-m",
  "REDIRECT",
  "-i",
  "*",
  "-x",
  "",
  "-b",
  "*",
  "-d",
  "15090,15021,15020",
];
const owner: RuleContext = { family: "ipv4", proxy: "owner", nameServers: ["10.96.0.10"] };

const rules = (args: readonly string[], context: Partial<RuleContext> = {}): readonly string[] =>
  captureTables(parseInitCommand(args).capture, { ...owner, ...context })[0]!.rules;

describe("rules", () => {
  test("of an injected pod are Istio's", () => {
    expect(rules(standard)).toEqual([
      "-A ISTIO_INBOUND -p tcp --dport 15008 -j RETURN",
      "-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001",
      "-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006",
      "-A PREROUTING -p tcp -j ISTIO_INBOUND",
      "-A ISTIO_INBOUND -p tcp --dport 15090 -j RETURN",
      "-A ISTIO_INBOUND -p tcp --dport 15021 -j RETURN",
      "-A ISTIO_INBOUND -p tcp --dport 15020 -j RETURN",
      "-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT",
      "-A OUTPUT -j ISTIO_OUTPUT",
      "-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN",
      "-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT",
      "-A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN",
      "-A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN",
      "-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT",
      "-A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN",
      "-A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN",
      "-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN",
      "-A ISTIO_OUTPUT -j ISTIO_REDIRECT",
    ]);
  });

  test("go by the mark where users cannot be told apart", () => {
    const marked = rules(standard, { proxy: "mark" }).filter((rule) => rule.includes("mark"));
    expect(marked).toEqual([
      "-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp ! --dport 15008 -m mark --mark 1337 -j ISTIO_IN_REDIRECT",
      "-A ISTIO_OUTPUT -o lo -m mark ! --mark 1337 -j RETURN",
      "-A ISTIO_OUTPUT -m mark --mark 1337 -j RETURN",
    ]);
    expect(rules(standard, { proxy: "mark" }).join()).not.toContain("owner");
  });

  test.each<[string, readonly string[], readonly string[]]>([
    [
      "inbound ports by name only",
      ["-b", "80,9090"],
      [
        "-A ISTIO_INBOUND -p tcp --dport 80 -j ISTIO_IN_REDIRECT",
        "-A ISTIO_INBOUND -p tcp --dport 9090 -j ISTIO_IN_REDIRECT",
      ],
    ],
    ["outbound ports left out", ["-i", "*", "-o", "5432"], ["-A ISTIO_OUTPUT -p tcp --dport 5432 -j RETURN"]],
    ["outbound ports by name", ["-q", "8080"], ["-A ISTIO_OUTPUT -p tcp --dport 8080 -j ISTIO_REDIRECT"]],
    [
      "ranges",
      ["-i", "10.96.0.0/12", "-x", "10.96.0.1"],
      [
        "-A ISTIO_OUTPUT -d 10.96.0.1/32 -j RETURN",
        "-A ISTIO_OUTPUT -d 10.96.0.0/12 -j ISTIO_REDIRECT",
        "-A ISTIO_OUTPUT -j RETURN",
      ],
    ],
    ["interfaces left out", ["-c", "net1"], ["-A PREROUTING -i net1 -j RETURN", "-A OUTPUT -o net1 -j RETURN"]],
    [
      "machines inside the pod",
      ["-i", "*", "-k", "k6t-eth0"],
      ["-I PREROUTING 1 -i k6t-eth0 -j RETURN", "-I PREROUTING 1 -i k6t-eth0 -j ISTIO_REDIRECT"],
    ],
    [
      "DNS to the pod's servers",
      ["-i", "*", "--redirect-dns"],
      [
        "-A ISTIO_OUTPUT -d 10.96.0.10/32 -p tcp --dport 53 -j REDIRECT --to-ports 15053",
        "-A ISTIO_OUTPUT_DNS -d 10.96.0.10/32 -p udp --dport 53 -j REDIRECT --to-ports 15053",
      ],
    ],
  ])("%s", (_, args, expected) => {
    expect(rules(args)).toEqual(expect.arrayContaining([...expected]));
  });

  test("keep families apart", () => {
    const both = ["-i", "10.0.0.0/8,fd00::/8"];
    expect(rules(both).join()).not.toContain("fd00");
    expect(rules(both, { family: "ipv6" })).toContain("-A ISTIO_OUTPUT -d fd00::/8 -j ISTIO_REDIRECT");
    expect(rules(both, { family: "ipv6" })).toContain("-A ISTIO_OUTPUT -o lo -s ::6/128 -j RETURN");
  });

  test("are none without interception", () => {
    expect(captureTables(parseInitCommand(["-m", "NONE"]).capture, owner)).toEqual([]);
  });
});

describe("restoreInput", () => {
  const tables = captureTables(parseInitCommand(["-i", "*", "-c", "net1"]).capture, owner);
  const saved = [
    "*nat",
    ":PREROUTING ACCEPT [0:0]",
    ":ISTIO_INBOUND - [0:0]",
    ":ISTIO_OLD - [0:0]",
    "-A PREROUTING -i net1 -j RETURN",
    "-A PREROUTING -p tcp -j ISTIO_INBOUND",
    "-A PREROUTING -p tcp --dport 1 -j SOMEBODY",
    "-A ISTIO_INBOUND -p tcp -j RETURN",
    "COMMIT",
  ].join("\n");

  test("replaces what was there and leaves others' rules alone", () => {
    const input = restoreInput(tables, saved).split("\n");
    expect(input).toContain("-D PREROUTING -i net1 -j RETURN");
    expect(input).toContain("-D PREROUTING -p tcp -j ISTIO_INBOUND");
    expect(input).toContain("-X ISTIO_OLD");
    expect(input.join()).not.toContain("SOMEBODY");
    expect(input.indexOf(":ISTIO_INBOUND - [0:0]")).toBeLessThan(
      input.indexOf("-D PREROUTING -p tcp -j ISTIO_INBOUND"),
    );
  });

  test("removes everything of ours when nothing is wanted", () => {
    expect(restoreInput([], saved).split("\n")).toEqual([
      "*nat",
      ":ISTIO_INBOUND - [0:0]",
      ":ISTIO_OLD - [0:0]",
      "-D PREROUTING -p tcp -j ISTIO_INBOUND",
      "-X ISTIO_INBOUND",
      "-X ISTIO_OLD",
      "COMMIT",
      "",
    ]);
  });

  test("is nothing where there is nothing to do", () => expect(restoreInput([], "*nat\nCOMMIT\n")).toBe(""));
});

test.each([
  ["a port that is none", ["-p", "70000"], '--envoy-port: "70000" is not a port'],
  ["a rule smuggled into a list", ["-d", "80 -j ACCEPT"], "--istio-local-exclude-ports"],
  ["a line smuggled into a range", ["-x", "10.0.0.0/8\n-F"], "--istio-service-exclude-cidr"],
  ["TPROXY", ["-m", "TPROXY"], "TPROXY is not available"],
  ["an unknown argument", ["--frobnicate"], "--frobnicate"],
])("%s is refused", (_, args, message) => {
  expect(() => parseInitCommand(args)).toThrow(message);
});

test.each([
  ["all ids", "         0          0 4294967295\n", true],
  ["one id", "         0       1001          1\n", false],
  ["one id and a range", "         0       1001          1\n         1     100000      65536\n", true],
])("users can be told apart: %s", (_, map, expected) => {
  expect(canDistinguishUsers(map)).toBe(expected);
});
