import { BlockList, isIP, isIPv4 } from "node:net";
import type { Declaration } from "../functions.ts";
import { CelError, type CelValue, none, Opaque, Optional } from "../values.ts";

class UrlValue extends Opaque {
  readonly type = "kubernetes.URL";
  readonly url: URL | undefined;
  readonly key: string;
  constructor(text: string) {
    super();
    const isAbsolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text);
    if (!isAbsolute && !text.startsWith("/"))
      throw new CelError(
        `URL parse error during conversion from string: parse ${JSON.stringify(text)}: invalid URI for request`,
      );
    this.key = text;
    this.url = isAbsolute ? new URL(text) : new URL(text, "http://none");
    this.#isAbsolute = isAbsolute;
  }
  readonly #isAbsolute: boolean;
  part(of: (url: URL) => string): string {
    return this.#isAbsolute && this.url !== undefined ? of(this.url) : "";
  }
  get path(): string {
    return this.url === undefined
      ? ""
      : (/^[^?#]*/.exec(this.key.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, ""))?.[0] ?? "");
  }
}

const explicitPort = (text: string): string =>
  /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*?:(\d+)(?:[/?#]|$)/i.exec(text)?.[1] ?? "";

function queryOf({ url }: UrlValue): CelValue {
  const result = new Map<CelValue, CelValue>();
  for (const name of new Set(url?.searchParams.keys() ?? [])) result.set(name, url?.searchParams.getAll(name) ?? []);
  return result;
}

const works = (make: () => unknown): boolean => {
  try {
    make();
    return true;
  } catch (error) {
    if (error instanceof CelError) return false;
    throw error;
  }
};

const urls: readonly Declaration[] = [
  ["url(string): kubernetes.URL", (text) => new UrlValue(text)],
  ["isURL(string): bool", (text) => works(() => new UrlValue(text))],
  ["kubernetes.URL.getScheme(): string", (value: UrlValue) => value.part((url) => url.protocol.replace(":", ""))],
  [
    "kubernetes.URL.getHost(): string",
    (value: UrlValue) => {
      const port = explicitPort(value.key);
      return value.part((url) => (port === "" ? url.hostname : `${url.hostname}:${port}`));
    },
  ],
  [
    "kubernetes.URL.getHostname(): string",
    (value: UrlValue) => value.part((url) => url.hostname.replace(/^\[|\]$/g, "")),
  ],
  ["kubernetes.URL.getPort(): string", ({ key }: UrlValue) => explicitPort(key)],
  ["kubernetes.URL.getEscapedPath(): string", ({ path }: UrlValue) => path],
  ["kubernetes.URL.getQuery(): map<string, list<string>>", queryOf],
];

class Ip extends Opaque {
  readonly type = "net.IP";
  readonly key: string;
  constructor(text: string) {
    super();
    if (isIP(text) === 0 || text.includes("%") || /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(text))
      throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
    this.key = canonical(text);
  }
  get family(): bigint {
    return isIPv4(this.key) ? 4n : 6n;
  }
}

const canonical = (text: string): string =>
  isIPv4(text) ? text : new URL(`http://[${text}]/`).hostname.replace(/^\[|\]$/g, "");

class Cidr extends Opaque {
  readonly type = "net.CIDR";
  readonly key: string;
  readonly address: Ip;
  readonly length: number;
  constructor(text: string) {
    super();
    const [address = "", length = ""] = text.split("/");
    const most = isIPv4(address) ? 32 : 128;
    if (isIP(address) === 0 || !/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > most)
      throw new CelError(
        `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)}): no prefix`,
      );
    this.address = new Ip(address);
    this.length = Number(length);
    this.key = `${this.address.key}/${length}`;
  }
  holds({ key, family }: Ip): boolean {
    if (family !== this.address.family) return false;
    const list = new BlockList();
    const name = family === 4n ? "ipv4" : "ipv6";
    list.addSubnet(this.address.key, this.length, name);
    return list.check(key, name);
  }
}

const within = (range: string, address: Ip): boolean =>
  (address.family === 4n) === isIPv4(range.split("/")[0] ?? "") && new Cidr(range).holds(address);

const addresses: readonly Declaration[] = [
  ["ip(string): net.IP", (text) => new Ip(text)],
  ["isIP(string): bool", (text) => works(() => new Ip(text))],
  ["ip.isCanonical(string): bool", (text) => new Ip(text).key === text],
  ["string(net.IP): string", ({ key }) => key],
  ["net.IP.family(): int", ({ family }: Ip) => family],
  ["net.IP.isUnspecified(): bool", ({ key }: Ip) => key === "0.0.0.0" || key === "::"],
  ["net.IP.isLoopback(): bool", (address: Ip) => within("127.0.0.0/8", address) || address.key === "::1"],
  [
    "net.IP.isLinkLocalMulticast(): bool",
    (address: Ip) => within("224.0.0.0/24", address) || within("ff02::/16", address),
  ],
  [
    "net.IP.isLinkLocalUnicast(): bool",
    (address: Ip) => within("169.254.0.0/16", address) || within("fe80::/10", address),
  ],
  [
    "net.IP.isGlobalUnicast(): bool",
    (address: Ip) =>
      ![
        "0.0.0.0/32",
        "127.0.0.0/8",
        "224.0.0.0/4",
        "169.254.0.0/16",
        "255.255.255.255/32",
        "::/128",
        "::1/128",
        "ff00::/8",
        "fe80::/10",
      ].some((range) => within(range, address)),
  ],
  ["cidr(string): net.CIDR", (text) => new Cidr(text)],
  ["isCIDR(string): bool", (text) => works(() => new Cidr(text))],
  ["string(net.CIDR): string", ({ key }) => key],
  ["net.CIDR.containsIP(net.IP): bool", (range: Cidr, address: Ip) => range.holds(address)],
  ["net.CIDR.containsIP(string): bool", (range: Cidr, text) => range.holds(new Ip(text))],
  [
    "net.CIDR.containsCIDR(net.CIDR): bool",
    (range: Cidr, other: Cidr) => other.length >= range.length && range.holds(other.address),
  ],
  [
    "net.CIDR.containsCIDR(string): bool",
    (range: Cidr, text) => new Cidr(text).length >= range.length && range.holds(new Cidr(text).address),
  ],
  ["net.CIDR.ip(): net.IP", ({ address }: Cidr) => address],
  ["net.CIDR.masked(): net.CIDR", (range: Cidr) => masked(range)],
  ["net.CIDR.prefixLength(): int", ({ length }: Cidr) => BigInt(length)],
];

function masked({ address, length }: Cidr): Cidr {
  if (address.family === 6n) return new Cidr(`${maskSix(address.key, length)}/${length}`);
  const value = address.key.split(".").reduce((all, part) => all * 256 + Number(part), 0);
  const kept = length === 0 ? 0 : Math.floor(value / 2 ** (32 - length)) * 2 ** (32 - length);
  return new Cidr(`${[24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join(".")}/${length}`);
}

function maskSix(key: string, length: number): string {
  const [head = "", tail] = key.split("::");
  const groups = (text: string): readonly string[] => (text === "" ? [] : text.split(":"));
  const missing = 8 - groups(head).length - groups(tail ?? "").length;
  const all =
    tail === undefined ? groups(head) : [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail)];
  const bits = all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
  const kept = (bits >> BigInt(128 - length)) << BigInt(128 - length);
  return Array.from({ length: 8 }, (_, at) => ((kept >> BigInt(112 - at * 16)) & 0xffffn).toString(16)).join(":");
}

const SUFFIXES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  n: [1n, 1_000_000_000n],
  u: [1n, 1_000_000n],
  m: [1n, 1_000n],
  "": [1n, 1n],
  k: [1_000n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [2n ** 10n, 1n],
  Mi: [2n ** 20n, 1n],
  Gi: [2n ** 30n, 1n],
  Ti: [2n ** 40n, 1n],
  Pi: [2n ** 50n, 1n],
  Ei: [2n ** 60n, 1n],
};

/** Billionths are as fine as quantities get. */
const NANO = 1_000_000_000n;

class Quantity extends Opaque {
  readonly type = "kubernetes.Quantity";
  readonly nanos: bigint;
  constructor(value: string | bigint) {
    super();
    this.nanos = typeof value === "bigint" ? value : parseQuantity(value);
  }
  get key(): string {
    return String(this.nanos);
  }
  get isInteger(): boolean {
    return this.nanos % NANO === 0n;
  }
}

function parseQuantity(text: string): bigint {
  const found = /^([-+]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE][-+]?\d+)|([numkMGTPE]|[KMGTPE]i)?)$/.exec(text);
  if (found === null)
    throw new CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  const [, sign, digits = "", exponent, suffix = ""] = found;
  const [whole = "", fraction = ""] = digits.split(".");
  let [top, bottom] = SUFFIXES[suffix] ?? [1n, 1n];
  const power = exponent === undefined ? 0 : Number(exponent.slice(1));
  if (power >= 0) top *= 10n ** BigInt(power);
  else bottom *= 10n ** BigInt(-power);
  const scaled = BigInt(`${whole}${fraction}` || "0") * top * NANO;
  const divisor = bottom * 10n ** BigInt(fraction.length);
  const nanos = (scaled + divisor - 1n) / divisor;
  return sign === "-" ? -nanos : nanos;
}

const order = (a: bigint, b: bigint): bigint => (a < b ? -1n : a > b ? 1n : 0n);
const amount = (value: Quantity | bigint): bigint => (typeof value === "bigint" ? value * NANO : value.nanos);

const quantities: readonly Declaration[] = [
  ["quantity(string): kubernetes.Quantity", (text) => new Quantity(text)],
  ["isQuantity(string): bool", (text) => works(() => new Quantity(text))],
  ["kubernetes.Quantity.sign(): int", ({ nanos }: Quantity) => order(nanos, 0n)],
  ["kubernetes.Quantity.isInteger(): bool", ({ isInteger }: Quantity) => isInteger],
  [
    "kubernetes.Quantity.asInteger(): int",
    ({ nanos, isInteger }: Quantity) => {
      if (!isInteger) throw new CelError("cannot convert value to integer");
      return nanos / NANO;
    },
  ],
  ["kubernetes.Quantity.asApproximateFloat(): double", ({ nanos }: Quantity) => Number(nanos) / 1e9],
  ["kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool", (a: Quantity, b: Quantity) => a.nanos > b.nanos],
  ["kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool", (a: Quantity, b: Quantity) => a.nanos < b.nanos],
  ["kubernetes.Quantity.compareTo(kubernetes.Quantity): int", (a: Quantity, b: Quantity) => order(a.nanos, b.nanos)],
  ...["kubernetes.Quantity", "int"].flatMap((other): Declaration[] => [
    [`kubernetes.Quantity.add(${other}): kubernetes.Quantity`, (a, b) => new Quantity(a.nanos + amount(b))],
    [`kubernetes.Quantity.sub(${other}): kubernetes.Quantity`, (a, b) => new Quantity(a.nanos - amount(b))],
  ]),
];

const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

class Semver extends Opaque {
  readonly type = "kubernetes.Semver";
  readonly key: string;
  readonly numbers: readonly bigint[];
  readonly pre: readonly string[];
  constructor(text: string, normalize = false) {
    super();
    const found = SEMVER.exec(normalize ? normalized(text) : text);
    if (found === null) throw new CelError(`semver parse error: ${JSON.stringify(text)} is no version`);
    this.numbers = found.slice(1, 4).map(BigInt);
    this.pre = found[4]?.split(".") ?? [];
    this.key = `${this.numbers.join(".")}-${this.pre.join(".")}`;
  }
  compare(other: Semver): bigint {
    for (const [at, number] of this.numbers.entries()) {
      const by = order(number, other.numbers[at] ?? 0n);
      if (by !== 0n) return by;
    }
    if (this.pre.length === 0 || other.pre.length === 0)
      return order(BigInt(other.pre.length), BigInt(this.pre.length));
    for (const [at, part] of this.pre.entries()) {
      const against = other.pre[at];
      if (against === undefined) return 1n;
      const by = comparePre(part, against);
      if (by !== 0n) return by;
    }
    return order(BigInt(this.pre.length), BigInt(other.pre.length));
  }
}

function comparePre(a: string, b: string): bigint {
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (x && y) return order(BigInt(a), BigInt(b));
  if (x !== y) return x ? -1n : 1n;
  return a < b ? -1n : a > b ? 1n : 0n;
}

function normalized(text: string): string {
  const [, core = "", rest = ""] = /^v?([\d.]+)(.*)$/.exec(text) ?? ["", text];
  const parts = core.split(".").map((part) => part.replace(/^0+(?=\d)/, ""));
  while (parts.length < 3) parts.push("0");
  return `${parts.join(".")}${rest}`;
}

const versions: readonly Declaration[] = [
  ["semver(string): kubernetes.Semver", (text) => new Semver(text)],
  ["semver(string, bool): kubernetes.Semver", (text, normalize) => new Semver(text, normalize)],
  ["isSemver(string): bool", (text) => works(() => new Semver(text))],
  ["isSemver(string, bool): bool", (text, normalize) => works(() => new Semver(text, normalize))],
  ...["major", "minor", "patch"].map(
    (name, at): Declaration => [`kubernetes.Semver.${name}(): int`, ({ numbers }: Semver) => numbers[at] ?? 0n],
  ),
  ["kubernetes.Semver.isGreaterThan(kubernetes.Semver): bool", (a: Semver, b: Semver) => a.compare(b) > 0n],
  ["kubernetes.Semver.isLessThan(kubernetes.Semver): bool", (a: Semver, b: Semver) => a.compare(b) < 0n],
  ["kubernetes.Semver.compareTo(kubernetes.Semver): int", (a: Semver, b: Semver) => a.compare(b)],
];

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const fits = (pattern: string, most: number) => {
  const whole = new RegExp(`^(${pattern})$`);
  return (text: string): boolean => text.length <= most && whole.test(text);
};
const qualified = (text: string): boolean => {
  const parts = text.split("/");
  const name = parts.at(-1) ?? "";
  const isName = fits("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", 63)(name);
  return isName && (parts.length === 1 || (parts.length === 2 && fits(`${LABEL}(\\.${LABEL})*`, 253)(parts[0] ?? "")));
};

/** Formats by name, with what says that a text has it. */
const formatChecks: Readonly<Record<string, (text: string) => boolean>> = {
  dns1123Label: fits(LABEL, 63),
  dns1123Subdomain: fits(`${LABEL}(\\.${LABEL})*`, 253),
  dns1035Label: fits("[a-z]([-a-z0-9]*[a-z0-9])?", 63),
  qualifiedName: qualified,
  dns1123LabelPrefix: fits(`${LABEL}-?`, 63),
  dns1123SubdomainPrefix: fits(`${LABEL}(\\.${LABEL})*[-.]?`, 253),
  dns1035LabelPrefix: fits("[a-z]([-a-z0-9]*[a-z0-9])?-?", 63),
  labelValue: fits("(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?", 63),
  uri: (text) => works(() => new UrlValue(text)),
  uuid: fits("[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}", 36),
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)),
  datetime: (text) => /^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text)),
};

class Format extends Opaque {
  readonly type = "kubernetes.NamedFormat";
  readonly key: string;
  constructor(name: string) {
    super();
    this.key = name;
  }
  validate(text: string): Optional {
    return formatChecks[this.key]?.(text) === false ? new Optional([`must be a valid ${this.key}`]) : none;
  }
}

const formats: readonly Declaration[] = [
  [
    "format.named(string): optional<kubernetes.NamedFormat>",
    (name) => (formatChecks[name] === undefined ? none : new Optional(new Format(name))),
  ],
  ...Object.keys(formatChecks).map(
    (name): Declaration => [`format.${name}(): kubernetes.NamedFormat`, () => new Format(name)],
  ),
  ["kubernetes.NamedFormat.validate(string): optional<list<string>>", (value: Format, text) => value.validate(text)],
];

/** What Kubernetes adds to CEL: URLs, addresses, quantities, versions, formats. Source: its documentation, "Common Expression Language in Kubernetes". */
export const kubernetes: readonly Declaration[] = [...urls, ...addresses, ...quantities, ...versions, ...formats];
