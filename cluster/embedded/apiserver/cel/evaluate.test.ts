import { describe, expect, it } from "vitest";
import { parse } from "./ast.ts";
import { check } from "./check.ts";
import { evaluate } from "./evaluate.ts";
import { dyn, listOf, mapOf, scalar } from "./types.ts";
import { CelError, type CelValue } from "./values.ts";

const types = new Map([
  ["n", scalar("int")],
  ["s", scalar("string")],
  ["l", listOf(scalar("string"))],
  ["m", mapOf(scalar("string"), scalar("int"))],
  ["d", dyn],
]);
const values = new Map<string, CelValue>([
  ["n", 5n],
  ["s", "héllo world"],
  ["l", ["b", "a", "c"]],
  [
    "m",
    new Map<CelValue, CelValue>([
      ["x", 1n],
      ["y", 2n],
    ]),
  ],
  ["d", "text"],
]);

function run(text: string, steps = 1_000_000): CelValue {
  const parsed = parse(text);
  if ("issue" in parsed) throw new Error(parsed.issue.why);
  const { issues } = check(parsed.ast, types);
  if (issues.length > 0) throw new Error(issues.map(({ why }) => why).join());
  return evaluate(parsed.ast, values, { left: steps });
}

describe("expressions", () => {
  it.each([
    "1 + 2 * 3 == 7 && 7 / 2 == 3 && 7 % 4 == 3 && -n == -5",
    "1.5 * 2.0 == 3.0 && n < 5.5 && 1u + 2u == 3u",
    "s.size() == 11 && s.charAt(1) == 'é' && s.substring(1, 3) == 'él'",
    "s.indexOf('l') == 2 && s.lastIndexOf('l') == 9 && s.indexOf('l', 4) == 9 && s.indexOf('q') == -1",
    "s.upperAscii() == 'HéLLO WORLD' && '  a '.trim() == 'a'",
    "s.split(' ') == ['héllo', 'world'] && 'a-b-c'.split('-', 2) == ['a', 'b-c']",
    "l.join('+') == 'b+a+c' && 'aaa'.replace('a', 'b', 2) == 'bba'",
    "'%s has %d, %.2f, %x, %b and %s'.format(['a', 3, 1.5, 255, 5, [1, 2]]) == 'a has 3, 1.50, ff, 101 and [1, 2]'",
    "s.matches('^h.*d$') && !s.matches('^w') && s.find('[a-z]+$') == 'world' && 'a1b22'.findAll('[0-9]+') == ['1', '22']",
    "l.all(x, x.size() == 1) && l.exists(x, x == 'a') && l.exists_one(x, x == 'c') && l.filter(x, x > 'a') == ['b', 'c']",
    "l.map(x, x + x) == ['bb', 'aa', 'cc'] && l.map(x, x != 'a', x + '!') == ['b!', 'c!']",
    "l.all(i, x, i < 3) && l.transformList(i, x, i) == [0, 1, 2] && m.transformMap(k, v, v + 1)['y'] == 3",
    "m.all(k, k in ['x', 'y']) && 'x' in m && !('z' in m) && m['x'] == 1 && m.x == 1 && size(m) == 2",
    "!l.isSorted() && l.sort() == ['a', 'b', 'c'] && l.indexOf('c') == 2 && l.min() == 'a' && [1, 2, 3].sum() == 6",
    "l.sortBy(x, x == 'c' ? 0 : 1)[0] == 'c' && l.reverse() == ['c', 'a', 'b'] && [[1], [2]].flatten() == [1, 2]",
    "sets.contains(l, ['a']) && sets.equivalent(l, ['c', 'b', 'a', 'a']) && sets.intersects(l, ['z', 'a'])",
    "timestamp('2024-02-29T12:30:45.5Z').getMonth() == 1 && timestamp('2024-01-01T00:00:00Z') + duration('24h') == timestamp('2024-01-02T00:00:00Z')",
    "timestamp('2024-01-01T00:00:00Z').getHours('+02:00') == 2 && duration('1h30m').getMinutes() == 90 && string(duration('1.5s')) == '1.5s'",
    "int('12') == 12 && double('1.5') == 1.5 && string(1) == '1' && bool('true') && string(b'abc') == 'abc'",
    "type(n) == int && type(s) == string && type(l) == list && type(timestamp('2024-01-01T00:00:00Z')) == google.protobuf.Timestamp",
    "optional.of(1).hasValue() && optional.none().orValue(2) == 2 && m[?'z'].orValue(7) == 7 && m[?'x'].optMap(v, v + 1).value() == 2",
    "url('https://a.example.com:8443/p/q?x=1&x=2').getHost() == 'a.example.com:8443' && url('/p?a=b').getQuery()['a'] == ['b'] && !isURL('a b')",
    "ip('10.1.2.3').family() == 4 && ip('::1').isLoopback() && cidr('10.0.0.0/8').containsIP('10.1.2.3') && !isIP('10.1.2')",
    "cidr('10.1.2.3/16').masked() == cidr('10.1.0.0/16') && cidr('2001:db8::1/32').masked() == cidr('2001:db8::/32') && cidr('10.0.0.0/8').prefixLength() == 8",
    "quantity('1.5Gi').isGreaterThan(quantity('1G')) && quantity('500m').add(quantity('1500m')) == quantity('2') && !isQuantity('2x')",
    "semver('1.10.0').isGreaterThan(semver('1.9.0')) && semver('1.0.0-rc.1').isLessThan(semver('1.0.0')) && isSemver('v1.2', true) && !isSemver('1.2')",
    "!format.dns1123Label().validate('a-b').hasValue() && format.dns1123Label().validate('A').hasValue() && !format.named('nothing').hasValue()",
    "false && 1 / 0 == 1 || true || [].exists(x, x == 1)",
    "[1, 2].exists(x, 1 / (x - 1) == 1) && dyn(1) == 1.0 && d == 'text' && [1, 2] != [2, 1]",
  ])("%s", (text) => {
    expect(run(text)).toBe(true);
  });

  it.each([
    ["1 / 0 == 1", "division by zero"],
    ["9223372036854775807 + 1 > 0", "integer overflow"],
    ["l[5] == 'a'", "index out of bounds: 5"],
    ["m['z'] == 1", "no such key: z"],
    ["d + 1 == 2", "no such overload"],
    ["optional.none().value() == 1", "optional.none() dereference"],
    ["ip(s).family() == 4", "IP Address"],
    ["[1, 2].all(x, 1 / (x - 1) == 1)", "division by zero"],
  ])("%s fails", (text, why) => {
    expect(() => run(text)).toThrow(why);
  });

  it("ends when its steps are used up", () => {
    const text = "lists.range(100).all(x, lists.range(100).all(y, x + y >= 0))";
    expect(run(text)).toBe(true);
    expect(() => run(text, 1000)).toThrow(CelError);
  });
});
