/**
 * How checks judge a share: by the binomial distribution. A right answer fails with a probability of at most FALSE_ALARM; the
 * lab's author names the wrong answers that the sample must tell apart, and each is missed with at most MISSED.
 */
export const FALSE_ALARM = 1e-6;
export const MISSED = 1e-3;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Natural logarithms of 0! to n!, so that probabilities of large samples do not overflow. */
function logFactorials(n: number): Float64Array {
  const logs = new Float64Array(n + 1);
  for (let i = 2; i <= n; i++) logs[i] = logs[i - 1]! + Math.log(i);
  return logs;
}

/** Probabilities of 0 to n successes in n independent tries. */
export function binomial(n: number, share: number): Float64Array {
  const probabilities = new Float64Array(n + 1);
  if (share <= 0) probabilities[0] = 1;
  else if (share >= 1) probabilities[n] = 1;
  else {
    const logs = logFactorials(n);
    for (let k = 0; k <= n; k++) {
      const choose = logs[n]! - logs[k]! - logs[n - k]!;
      probabilities[k] = Math.exp(choose + k * Math.log(share) + (n - k) * Math.log(1 - share));
    }
  }
  return probabilities;
}

/** The counts out of n that are believable if the share is right: each tail outside is at most half of FALSE_ALARM. */
export function acceptance(n: number, share: number): Interval {
  const probabilities = binomial(n, share);
  let low = 0;
  let tail = 0;
  while (low < n && tail + probabilities[low]! <= FALSE_ALARM / 2) tail += probabilities[low++]!;
  let high = n;
  tail = 0;
  while (high > 0 && tail + probabilities[high]! <= FALSE_ALARM / 2) tail += probabilities[high--]!;
  return { low, high };
}

/** Probability that a sample of n with a wrong share is taken for right. */
export function missProbability(n: number, share: number, wrongShare: number): number {
  const { low, high } = acceptance(n, share);
  const probabilities = binomial(n, wrongShare);
  let sum = 0;
  for (let k = low; k <= high; k++) sum += probabilities[k]!;
  return sum;
}

/** The smallest sample, in steps of 50, that tells the wrong share apart; undefined if 20,000 do not. */
export function sampleFor(share: number, wrongShare: number): number | undefined {
  for (let n = 50; n <= 20_000; n += 50) if (missProbability(n, share, wrongShare) <= MISSED) return n;
  return undefined;
}
