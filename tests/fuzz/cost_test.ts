/** What input costs that was made to cost much. */
import { assertAlmostEquals, assertGreater, assertLess } from "@std/assert";
import { WorkCounter } from "./work.ts";

/** Sizes of the inputs whose work is compared, in bytes. */
const SMALL_BYTES = 16 * 1024;
const LARGE_BYTES = 4 * SMALL_BYTES;
/** Work in proportion grows fourfold between them, work by the square sixteenfold. */
const GROWTH_MAX = 6;
/** What the bookkeeping around a run may cost, in blocks. */
const WORK_FLOOR = 20_000;

// What is measured is imported behind this, not above.
const counter = await WorkCounter.start();
const { WIRE_DECODERS } = await import("./decoders/wire.ts");
const { GOSSIP_DECODERS } = await import("./decoders/gossip.ts");
const { CLIENT_DECODERS } = await import("./decoders/client.ts");
const { CHECK_DECODERS } = await import("./decoders/checks.ts");
const { SECRET_DECODERS } = await import("./decoders/secrets.ts");

for (
  const subject of [
    ...WIRE_DECODERS,
    ...GOSSIP_DECODERS,
    ...CLIENT_DECODERS,
    ...CHECK_DECODERS,
    ...SECRET_DECODERS,
  ]
) {
  for (const [name, make] of Object.entries(subject.costly ?? {})) {
    Deno.test(`${subject.name}: ${name} cost in proportion to their bytes`, async () => {
      const workFor = (bytes: number) => {
        const input = make(bytes);
        return counter.count(() => subject.take(input));
      };
      const [small, large] = [await workFor(SMALL_BYTES), await workFor(LARGE_BYTES)];
      assertLess(large, GROWTH_MAX * small + WORK_FLOOR, `${small} became ${large}`);
    });
  }
}

Deno.test("work is counted much the same each time, and work by the square shows", async () => {
  const lookAround = (size: number) => {
    let seen = 0;
    for (let one = 0; one < size; one++) {
      for (let other = 0; other < size; other++) seen += other;
    }
    return Promise.resolve(seen);
  };
  const small = await counter.count(() => lookAround(500));
  assertAlmostEquals(await counter.count(() => lookAround(500)), small, small / 100);
  assertGreater(small, 250_000);
  assertGreater(await counter.count(() => lookAround(2000)), 15 * small);
});
