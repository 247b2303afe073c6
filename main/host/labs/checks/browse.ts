import type { LabCheckDefinition } from "#api/lab.ts";
import type { BrowseTally } from "#api/traffic.ts";
import type { CheckContext, CheckOutcome } from "./outcome.ts";

type Browse = Extract<LabCheckDefinition, { type: "browse" }>;

/** A browser visits a page through the ingress gateway: every visit must end where it should. */
export async function checkBrowse(check: Browse, { measurements, signal }: CheckContext): Promise<CheckOutcome> {
  const { path, headers, login, sample, expect } = check;
  const tally = await measurements.browse({ path, headers, login, count: sample }, signal);
  const answered = (tally.byStatus[String(expect.status)] ?? 0) === sample;
  const atLogin = tally.loginPages === (expect.loginPage ? sample : 0);
  const visitor = login === undefined ? "a browser" : `a browser as ${login.user}`;
  return {
    passed: answered && atLogin && byRightOne(expect, tally, sample),
    observed: `${visitor} visits ${path}: ${outcomes(tally)}`,
    mayChange: true,
  };
}

function byRightOne({ service, version }: Browse["expect"], tally: BrowseTally, sample: number): boolean {
  if (service === undefined) return true;
  const counts = tally.byVersion[service] ?? {};
  const right = version === undefined ? Object.values(counts) : [counts[version] ?? 0];
  return right.reduce((sum, count) => sum + count, 0) === sample;
}

function outcomes({ byStatus, byVersion, errors, loginPages }: BrowseTally): string {
  const versions = Object.entries(byVersion).flatMap(([service, counts]) =>
    Object.entries(counts).map(([version, count]) => [`${service} ${version}`, count] as const),
  );
  const login = loginPages === 0 ? [] : [["the login page", loginPages] as const];
  const all = [...Object.entries(byStatus), ...Object.entries(errors), ...login, ...versions];
  return all.map(([what, count]) => `${count} × ${what}`).join(", ") || "nothing";
}
