/**
 * Runs inside a daemon whose clock is to be wrong, loaded before its program.
 * @module
 */

/** From now on the wall clock of this process is `shiftMs` away from the machine's. */
export function shiftClock(shiftMs: number): void {
  const { now } = Date;
  globalThis.Date = new Proxy(Date, {
    construct: (target, args) =>
      Reflect.construct(target, args.length === 0 ? [now() + shiftMs] : args),
    get: (target, key) => key === "now" ? () => now() + shiftMs : Reflect.get(target, key),
  });
}
