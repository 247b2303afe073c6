/** Powers of ten of the decimal suffixes, in thousands; the binary ones are powers of 1024. */
const decimal = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const NANO = 1_000_000_000n;
const format = /^([+-]?)(\d*)(?:\.(\d*))?((?:[numkMGTPE]|[KMGTPE]i)?|[eE][+-]?\d+)$/;

/**
 * A quantity in Kubernetes' canonical form: without a fraction, with the largest suffix that allows it; "0.1" is "100m". Undefined
 * when the text is no quantity. Source: the API's documentation of Quantity.
 */
export function canonicalQuantity(text: string): string | undefined {
  const [, sign = "", whole = "", fraction = "", suffix = ""] = format.exec(text) ?? [];
  if (whole === "" && fraction === "") return undefined;
  const digits = BigInt(`${whole}${fraction}` || "0");
  const isBinary = suffix.endsWith("i");
  const isExponent = /^[eE][+-]?\d/.test(suffix);
  const power = isExponent ? Number(suffix.slice(1)) : isBinary ? 0 : (decimal.indexOf(suffix) - 3) * 3;
  const factor = isBinary ? 1024n ** BigInt(binary.indexOf(suffix)) : 1n;
  const nano = scaled(digits * factor * NANO, power - fraction.length);
  if (nano === 0n) return "0";
  const body = isBinary ? binaryText(nano) : decimalText(nano);
  return `${sign === "-" ? "-" : ""}${body}`;
}

/** Below a billionth it is rounded up. */
function scaled(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power);
  const divisor = 10n ** BigInt(-power);
  return (value + divisor - 1n) / divisor;
}

function decimalText(nano: bigint): string {
  let [value, step] = [nano, 0];
  while (value % 1000n === 0n && step < decimal.length - 1) {
    value /= 1000n;
    step++;
  }
  return `${value}${decimal[step]}`;
}

function binaryText(nano: bigint): string {
  if (nano % NANO !== 0n) return decimalText(nano);
  let [value, step] = [nano / NANO, 0];
  // Less than 1024 is no round number of anything binary: as Kubernetes, then plain.
  while (value % 1024n === 0n && step < binary.length - 1) {
    value /= 1024n;
    step++;
  }
  return `${value}${binary[step]}`;
}
