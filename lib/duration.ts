/**
 * Parses and formats durations in the syntax of Go: `300ms`, `1.5h`, `1h30m`.
 * @module
 */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Parses a duration, in whole milliseconds (rounded); `undefined` if the text is not a duration.
 * Each number needs a unit (`ms`, `s`, `m` or `h`), except `0` alone. Signs are not allowed.
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)(ms|s|m|h)/g)) {
    totalMs += Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return Math.round(totalMs);
}

/** Formats a duration as the shortest text that `parseDuration` accepts: `5m`, `1h30m`, `1.5s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0";
  const parts: string[] = [];
  let restMs = durationMs;
  for (const unit of ["h", "m"]) {
    const unitMs = UNIT_MS[unit] ?? 1;
    const count = Math.floor(restMs / unitMs);
    if (count > 0) parts.push(`${count}${unit}`);
    restMs -= count * unitMs;
  }
  if (restMs > 0) parts.push(restMs < 1_000 ? `${restMs}ms` : `${restMs / 1_000}s`);
  return parts.join("");
}
