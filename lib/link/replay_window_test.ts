import { assertEquals, assertNotEquals } from "@std/assert";
import { SeededRandom } from "../../tests/support/world_time.ts";
import { REPLAY_WINDOW, ReplayWindow } from "./replay_window.ts";

Deno.test("sequence numbers below the window are too old", () => {
  const window = new ReplayWindow();
  assertEquals(window.check(1), "new");
  for (const sequence of [3, 1, 2, 40, REPLAY_WINDOW + 1]) {
    assertEquals(window.check(sequence), "new", `${sequence}`);
    window.add(sequence);
    assertEquals(window.check(sequence), "duplicate", `${sequence}`);
  }
  assertEquals([window.check(1), window.check(4)], ["too_old", "new"]);
  window.add(10 * REPLAY_WINDOW);
  assertEquals(window.check(9 * REPLAY_WINDOW), "too_old");
  assertEquals(window.check(9 * REPLAY_WINDOW + 1), "new");
});

Deno.test("in any order, no sequence number is new twice", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const window = new ReplayWindow();
    const received = new Set<number>();
    let state = seed;
    let highest = 0;
    for (let step = 0; step < 20_000; step++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      const jump = state % 1_000 === 0 ? 20_000 : 50;
      const sequence = Math.max(1, highest - REPLAY_WINDOW - 100 + state % (REPLAY_WINDOW + jump));
      const verdict = window.check(sequence);
      if (received.has(sequence)) assertNotEquals(verdict, "new", `seed ${seed}: ${sequence}`);
      else assertEquals(verdict, sequence > highest - REPLAY_WINDOW ? "new" : "too_old");
      if (verdict !== "new") continue;
      window.add(sequence);
      received.add(sequence);
      highest = Math.max(highest, sequence);
    }
  }
});

Deno.test("all of the window is known exactly, at every distance that it moves", () => {
  const random = new SeededRandom("window");
  for (const jump of [1, 31, 32, 33, 255, 256, 257, 2_000, 8_159, 8_160, 8_161, 8_192, 20_000]) {
    for (const first of [0, 1, 31, 32, 300, 8_191, 8_192]) {
      const window = new ReplayWindow();
      const received = new Set<number>();
      const add = (sequence: number) => {
        if (window.check(sequence) !== "new") return;
        window.add(sequence);
        received.add(sequence);
      };
      add(first);
      for (let each = 0; each < 50; each++) add(random.below(first + 1));
      const highest = first + jump;
      add(highest);
      const bottom = highest - REPLAY_WINDOW;
      for (let sequence = Math.max(0, bottom - 40); sequence <= highest + 40; sequence++) {
        const inWindow = received.has(sequence) ? "duplicate" : "new";
        const expected = sequence <= bottom ? "too_old" : inWindow;
        assertEquals(window.check(sequence), expected, `${first} + ${jump}: ${sequence}`);
      }
    }
  }
});
