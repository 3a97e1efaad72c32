/**
 * Shifts the wall clock of a daemon. Preloaded into its process.
 * @module
 */

/** Adds `shiftMs` to the wall clock of this process. */
export function shiftClock(shiftMs: number): void {
  const { now } = Date;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args) =>
      Reflect.construct(target, args.length === 0 ? [now() + shiftMs] : args),
    get: (target, key) => key === "now" ? () => now() + shiftMs : Reflect.get(target, key),
  });
}
