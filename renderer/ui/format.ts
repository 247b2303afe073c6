/** Numbers as people read them: with units, and never more digits than matter. */
export const percent = (share: number | undefined): string =>
  share === undefined || share === null
    ? "–"
    : `${(share * 100).toFixed(share > 0.9995 || share === 0 ? 0 : share > 0.995 ? 2 : 1)} %`;

export function milliseconds(value: number | undefined): string {
  if (value === undefined || value === null) return "–";
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export function bytes(value: number | undefined): string {
  if (value === undefined || value === null) return "–";
  return value >= 1e9 ? `${(value / 1e9).toFixed(2)} GB` : `${Math.round(value / 1e6)} MB`;
}

export const rate = (perSecond: number): string =>
  `${perSecond >= 10 ? Math.round(perSecond) : perSecond.toFixed(1)}/s`;

export function ago(time: number, now: number = Date.now()): string {
  const seconds = Math.max(0, Math.round((now - time) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min ago` : `${Math.round(minutes / 60)} h ago`;
}

/** The same version has the same colour everywhere. */
export function versionColor(version: string): string {
  const number = /(\d+)$/.exec(version)?.[1];
  return number === "1" ? "var(--v1)" : number === "2" ? "var(--v2)" : "var(--v3)";
}
