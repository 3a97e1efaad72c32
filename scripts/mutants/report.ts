/**
 * What `deno task mutants` prints: lines for people, or JSON lines.
 * @module
 */
import { describeMutation, type Mutant } from "./mutant.ts";
import type { Verdict } from "./trial.ts";

/** How many mutants had which verdict. */
export interface Summary {
  /** Tried, and a test failed or timed out. */
  readonly noticed: number;
  /** All but the equivalent ones. */
  readonly tried: number;
  /** Tried, and all tests passed. */
  readonly survived: number;
  /** Not tried: no test can notice them. */
  readonly equivalent: number;
}

/** A way to print the results. */
export interface Report {
  /** One mutant that would be tried. */
  listed(mutant: Mutant): string;
  /** One mutant, as soon as its verdict is known. */
  verdict(verdict: Verdict): string;
  /** What follows the last verdict. */
  end(verdicts: readonly Verdict[]): string;
}

/** Counts verdicts. */
export function summarize(verdicts: readonly Verdict[]): Summary {
  const count = (status: Verdict["status"]) =>
    verdicts.filter((verdict) => verdict.status === status).length;
  const [noticed, survived] = [count("noticed"), count("survived")];
  return { noticed, tried: noticed + survived, survived, equivalent: count("equivalent") };
}

/** For people: a line for each mutant, then the survivors with their source lines, then the sums. */
export const TEXT_REPORT: Report = {
  listed: (mutant) => `${place(mutant)}  ${describeMutation(mutant)}  |  ${mutant.source}`,
  verdict(verdict) {
    const what = `${place(verdict.mutant)}  ${describeMutation(verdict.mutant)}`;
    return `${verdict.status.padEnd(10)}  ${what}  ${explanation(verdict)}`;
  },
  end(verdicts) {
    const { noticed, tried, survived, equivalent } = summarize(verdicts);
    const percent = tried === 0 ? 100 : Math.round(100 * noticed / tried);
    return [
      ...section("equivalent", verdicts),
      ...section("survived", verdicts),
      `noticed ${noticed} of ${tried} (${percent} %), ` +
      `${survived} survived, ${equivalent} equivalent`,
    ].join("\n");
  },
};

/** For programs: an object for each mutant and one for the sums. */
export const JSON_REPORT: Report = {
  listed: (mutant) => JSON.stringify(mutant),
  verdict({ mutant, ...rest }) {
    return JSON.stringify({ ...mutant, ...rest });
  },
  end: (verdicts) => JSON.stringify(summarize(verdicts)),
};

function place({ file, line, column }: Mutant): string {
  return `${file}:${line}:${column}`;
}

function explanation(verdict: Verdict): string {
  switch (verdict.status) {
    case "noticed": {
      const test = verdict.test ?? "ended without naming a test";
      return `${verdict.stage}: ${verdict.timedOut ? "timed out" : test}`;
    }
    case "survived":
      return verdict.stages.length === 0 ? "no test loads it" : verdict.stages.join(", ");
    case "equivalent":
      return verdict.reason;
  }
}

function section(status: Verdict["status"], verdicts: readonly Verdict[]): string[] {
  const lines = verdicts.filter((verdict) => verdict.status === status)
    .toSorted(({ mutant: a }, { mutant: b }) =>
      a.file < b.file ? -1 : a.file > b.file ? 1 : a.offset - b.offset
    )
    .map((verdict) => `${TEXT_REPORT.listed(verdict.mutant)}\n    ${explanation(verdict)}`);
  return lines.length === 0 ? [] : ["", `${status}:`, ...lines, ""];
}
