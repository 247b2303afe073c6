import { isIP, isIPv4, isIPv6 } from "node:net";

const uuid = (third: string, fourth: string): RegExp =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${third}-?${fourth}-?[0-9a-f]{12}$`, "i");
const any = "[0-9a-f]{4}";

const DURATION = /^[-+]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/;
const SCALA_DURATION =
  /^\s*(\d+(\.\d+)?)\s*(ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|wks?|weeks?)\s*$/;

const isDate = (text: string): boolean => {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (found === null) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
};

const isDateTime = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[-+]\d\d:?\d\d)?$/.test(text) && isDate(text.slice(0, 10));

function isCidr(text: string): boolean {
  const [address = "", length = ""] = text.split("/");
  const bits = isIP(address) === 4 ? 32 : 128;
  return isIP(address) !== 0 && /^\d{1,3}$/.test(length) && Number(length) <= bits;
}

/** An absolute URI or path, as Go's url.ParseRequestURI takes it. */
function isUri(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  if (text === "" || /[\u0000-\u0020\u007f]/.test(text)) return false;
  return text.startsWith("/") || (/^[a-z][a-z0-9+.-]*:/i.test(text) && (URL.canParse(text) || text.includes(":")));
}

function isIsbn(text: string, length: 10 | 13): boolean {
  const digits = text.replace(/[\s-]/g, "");
  if (length === 10) {
    if (!/^\d{9}[\dX]$/.test(digits)) return false;
    const sum = [...digits].reduce((all, digit, at) => all + (at + 1) * (digit === "X" ? 10 : Number(digit)), 0);
    return sum % 11 === 0;
  }
  if (!/^\d{13}$/.test(digits)) return false;
  return [...digits].reduce((all, digit, at) => all + Number(digit) * (at % 2 === 0 ? 1 : 3), 0) % 10 === 0;
}

const CREDIT_CARD =
  /^(?:4\d{12}(?:\d{3})?|5[1-5]\d{14}|6(?:011|5\d\d)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|(?:2131|1800|35\d{3})\d{11})$/;
const HOST_LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
const matches =
  (pattern: RegExp) =>
  (text: string): boolean =>
    pattern.test(text);

/** Formats of strings that schemas of definitions know, without their hyphens. Source: Kubernetes' custom resource definitions, "format". */
const checks: Readonly<Record<string, (text: string) => boolean>> = {
  bsonobjectid: matches(/^[0-9a-f]{24}$/i),
  uri: isUri,
  email: matches(/^[^\s@<>"]+@[^\s@<>"]+$/),
  hostname: (text) => text.length <= 255 && text.replace(/\.$/, "").split(".").every(matches(HOST_LABEL)),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: matches(/^([0-9a-f]{2}[:-]){5,19}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2,9}[0-9a-f]{4}$/i),
  uuid: matches(uuid(any, any)),
  uuid3: matches(uuid("3[0-9a-f]{3}", any)),
  uuid4: matches(uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}")),
  uuid5: matches(uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}")),
  isbn: (text) => isIsbn(text, 10) || isIsbn(text, 13),
  isbn10: (text) => isIsbn(text, 10),
  isbn13: (text) => isIsbn(text, 13),
  creditcard: (text) => CREDIT_CARD.test(text.replace(/\D/g, "")),
  ssn: matches(/^\d{3}[- ]?\d{2}[- ]?\d{4}$/),
  hexcolor: matches(/^#?([0-9a-f]{3}|[0-9a-f]{6})$/i),
  rgbcolor: (text) => {
    const parts = /^rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)$/.exec(text);
    return parts?.slice(1).every((part) => Number(part) <= 255) ?? false;
  },
  byte: (text) => text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text),
  password: () => true,
  date: isDate,
  duration: (text) => DURATION.test(text) || SCALA_DURATION.test(text),
  datetime: isDateTime,
  k8sshortname: (text) => text.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(text),
  k8slongname: (text) =>
    text.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(text),
};

const checkOf = (format: string): ((text: string) => boolean) | undefined => checks[format.replaceAll("-", "")];

/** Whether a text has a format; one that is not known says nothing. */
export const hasFormat = (text: string, format: string): boolean => checkOf(format)?.(text) ?? true;

/** Whether schemas of a type may name a format with any effect. */
export function isKnownFormat(type: string, format: string): boolean {
  switch (type) {
    case "":
    case "string":
      return checkOf(format) !== undefined;
    case "integer":
      return format === "int32" || format === "int64";
    case "number":
      return format === "float" || format === "double";
    default:
      return false;
  }
}
