/** What is left of a certificate's life, in words; `now` in milliseconds since the epoch. */
export function remainingLife(notAfter: string, now: number): string {
  const seconds = Math.floor((Date.parse(notAfter) - now) / 1000);
  if (seconds <= 0) return "ended";
  const [days, hours, minutes] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600), Math.floor(seconds / 60)];
  if (days > 730) return `${Math.floor(days / 365.25)} years`;
  if (days > 2) return `${days} days`;
  if (hours > 2) return `${hours} h`;
  return minutes > 2 ? `${minutes} min` : `${seconds} s`;
}

/** How much of its life is over, 0 to 1. */
export function shareOver({ notBefore, notAfter }: { notBefore: string; notAfter: string }, now: number): number {
  const [start, end] = [Date.parse(notBefore), Date.parse(notAfter)];
  return Math.min(1, Math.max(0, (now - start) / Math.max(1, end - start)));
}
