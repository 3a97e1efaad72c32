import { assertEquals } from "@std/assert";
import { ALL_AT_ONCE, rolloutStanding, rolloutState } from "./stages.ts";
import type { MemberProgress, Rollout } from "../batch/progress.ts";

const PROGRESS: Record<string, MemberProgress> = {
  p: { state: "pending" },
  r: { state: "running" },
  d: { state: "done", passed: true, report: new Uint8Array(0) },
  f: { state: "done", passed: false, report: new Uint8Array(0) },
  u: { state: "unreached", memberState: "dead" },
  s: { state: "skipped", reason: "rollout_stopped" },
};

/** Members' states in order, stage size, failures allowed; who is open, waits, failures, stopped. */
const CASES: [string, number, number, number[], number[], number, boolean][] = [
  ["ppppp", 2, 0, [0, 1], [2, 3, 4], 0, false],
  ["rpppp", 2, 0, [0, 1], [2, 3, 4], 0, false],
  ["dpppp", 2, 0, [1], [2, 3, 4], 0, false],
  ["ddppp", 2, 0, [2, 3], [4], 0, false],
  ["ddddp", 2, 0, [4], [], 0, false],
  ["ddddd", 2, 0, [], [], 0, false],
  ["fdppp", 2, 0, [], [2, 3, 4], 1, true],
  ["fpppp", 2, 0, [1], [2, 3, 4], 1, true],
  ["fdppp", 2, 1, [2, 3], [4], 1, false],
  ["fduup", 2, 2, [], [4], 3, true],
  ["uuppp", 2, 1, [], [2, 3, 4], 2, true],
  ["fdsss", 2, 0, [], [], 1, false],
  ["ddddf", 2, 0, [], [], 1, false],
  ["", 2, 0, [], [], 0, false],
  ["pprdf", Infinity, Infinity, [0, 1, 2], [], 1, false],
];

Deno.test("a stage's turn comes when the one before has answered, unless too many failed", () => {
  for (const [text, stageSize, maxFailures, open, waiting, failures, stopped] of CASES) {
    const members = new Map([...text].map((letter, index) => [`${index}`, PROGRESS[letter]!]));
    const rollout: Rollout = stageSize === Infinity ? ALL_AT_ONCE : { stageSize, maxFailures };
    assertEquals(
      rolloutState(members, rollout),
      { open: open.map(String), waiting: waiting.map(String), failures, stopped },
      `${text} by ${stageSize}, at most ${maxFailures}`,
    );
  }
});

Deno.test("a thousand stages are walked in no time", () => {
  const members = new Map(Array.from({ length: 5_000 }, (_, index) => [`${index}`, PROGRESS.d!]));
  members.set("last", PROGRESS.p!);
  const startedMs = performance.now();
  const { open } = rolloutState(members, { stageSize: 1, maxFailures: 0 });
  assertEquals(open, ["last"]);
  assertEquals(performance.now() - startedMs < 200, true);
});

Deno.test("for people a roll-out stands at the stage that is open, or that stopped it", () => {
  const cases: [string, number, number, [number, number, number, boolean]][] = [
    ["ppppp", 2, 0, [1, 3, 0, false]],
    ["ddrpp", 2, 0, [2, 3, 0, false]],
    ["fdrpp", 2, 1, [2, 3, 1, false]],
    ["ddfds", 2, 0, [2, 3, 1, true]],
    ["ufsss", 2, 1, [1, 3, 2, true]],
    ["fpsss", 2, 0, [1, 3, 1, true]],
    ["ddddd", 2, 0, [3, 3, 0, false]],
    ["ddddf", 2, 0, [3, 3, 1, false]],
    ["", 2, 0, [1, 1, 0, false]],
  ];
  for (const [text, stageSize, maxFailures, expected] of cases) {
    const members = new Map([...text].map((letter, index) => [`${index}`, PROGRESS[letter]!]));
    const { stage, stages, failures, stopped } = rolloutStanding(members, {
      stageSize,
      maxFailures,
    });
    assertEquals([stage, stages, failures, stopped], expected, text);
  }
});
