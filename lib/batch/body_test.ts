import { assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { BODIES, CHECKS, FINGERPRINT } from "../../tests/support/check_samples.ts";
import { type DropReason, WireError } from "../errors.ts";
import { BATCH_BODY_MAX_BYTES, CHECKS_MAX } from "../limits.ts";
import {
  type BatchBody,
  type BodySummary,
  decodeBody,
  encodeBody,
  readBody,
  summaryOf,
} from "./body.ts";
import type { Check } from "./check.ts";

const ALL: readonly BatchBody[] = Object.values(BODIES).flat();

Deno.test("bodies come out as they went in", () => {
  for (const body of ALL) {
    assertEquals(decodeBody(encodeBody(body)), body);
    assertEquals(readBody(encodeBody(body)), body);
  }
});

Deno.test("a newer version may append to a body and to each check of it", () => {
  const check = ["a", "file_exists", { path: "/x" }, null, 5, "more"];
  const body = decodeBody(encode(["checks", [check], { more: 1 }]));
  assertEquals(body, {
    type: "checks",
    checks: [{ name: "a", type: "file_exists", fields: { path: "/x" }, actionTimeoutMs: 5 }],
  });
  assertEquals(decodeBody(encode(["keys", ["list", "more"], "more"])), {
    type: "keys",
    operation: { type: "list" },
  });
});

Deno.test("what is cut short or follows is refused, and changed bytes never do worse", () => {
  for (const body of ALL) {
    const bytes = encodeBody(body);
    for (let length = 0; length < bytes.length; length++) {
      assertThrows(() => decodeBody(bytes.subarray(0, length)), WireError);
    }
    const longer = new Uint8Array([...bytes, 0]);
    assertThrows(() => decodeBody(longer), WireError, "a batch's body is followed by 1 bytes");
    for (let index = 0; index < bytes.length; index++) {
      for (const byte of [0x00, 0x80, 0x91, 0xc1, 0xd9, 0xdd, 0xff]) {
        try {
          const read = decodeBody(bytes.with(index, byte));
          assertEquals(decodeBody(encodeBody(read)), read);
        } catch (error) {
          if (!(error instanceof WireError)) throw error;
        }
      }
    }
  }
});

function check(more: Partial<Check> = {}): Check {
  return { name: "a", type: "file_exists", fields: {}, actionTimeoutMs: 1, ...more };
}

function checks(count: number): readonly Check[] {
  return Array.from({ length: count }, (_, index) => check({ name: `c${index}` }));
}

Deno.test("what is over a bound is refused", () => {
  const bad: readonly (readonly [readonly Check[], string, DropReason])[] = [
    [[check({ name: "n".repeat(256) })], ".checks[0].name is 256 bytes long", "too_large"],
    [[check({ type: "t".repeat(65) })], ".checks[0].type is 65 bytes long", "too_large"],
    [[check({ action: "a".repeat(65_537) })], ".checks[0].action is 65537 bytes", "too_large"],
    [[check({ actionTimeoutMs: 86_400_001 })], ".checks[0].actionTimeoutMs is 86400", "too_large"],
    [[check(), check({ actionTimeoutMs: -1 })], ".checks[1].actionTimeoutMs must be", "malformed"],
    [checks(CHECKS_MAX + 1), ".checks has 1001 entries; maximum 1000", "too_many"],
    [[], ".checks must hold at least one check", "malformed"],
    [[check(), check({ type: "b" })], `.checks holds two checks named "a"`, "malformed"],
  ];
  for (const [checks, expected, reason] of bad) {
    const bytes = encodeBody({ type: "checks", checks });
    const error = assertThrows(() => decodeBody(bytes), WireError, `a batch's body${expected}`);
    assertEquals(error.reason, reason, expected);
  }
  const most: BatchBody = { type: "checks", checks: checks(CHECKS_MAX) };
  assertEquals(decodeBody(encodeBody(most)), most);
  assertThrows(() => decodeBody(new Uint8Array(100_000).fill(0x91)), WireError, "levels deep");
  assertThrows(() => decodeBody(new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff])), WireError);
});

Deno.test("a body is as long as its bound and no longer", () => {
  const padding = (length: number) =>
    encodeBody({ type: "checks", checks: [check({ fields: { text: "x".repeat(length) } })] });
  const room = BATCH_BODY_MAX_BYTES - padding(100_000).length + 100_000;
  assertEquals(padding(room).length, BATCH_BODY_MAX_BYTES);
  assertEquals(decodeBody(padding(room)).type, "checks");
  const error = assertThrows(() => decodeBody(padding(room + 1)), WireError);
  assertEquals([error.reason, error.message], [
    "too_large",
    `a batch's body is ${BATCH_BODY_MAX_BYTES + 1} bytes long; maximum ${BATCH_BODY_MAX_BYTES}`,
  ]);
});

Deno.test("a body of no known type is unreadable, and the node says why", () => {
  const cases: [ValueType, string][] = [
    [["schedule", []], "a batch's body.type must be one of checks, keys"],
    [[], "a batch's body.type must be one of checks, keys"],
    [["constructor"], "a batch's body.type must be one of checks, keys"],
    [[["a", "file_exists", {}, null, 1]], "a batch's body.type must be one of checks, keys"],
    [{ type: "checks" }, "a batch's body must be an array"],
    [["checks", [{ name: 1 }]], "a batch's body.checks[0] must be an array"],
    [["checks", [[1]]], "a batch's body.checks[0].name must be text in UTF-8"],
    [["keys", ["rotate"]], "a batch's body.operation.type must be one of install, use, remove"],
  ];
  for (const [value, expected] of cases) {
    const error = assertThrows(() => decodeBody(encode(value)), WireError, expected);
    assertEquals(readBody(encode(value)), { type: "unreadable", reason: error.message });
  }
  assertEquals(readBody(new Uint8Array(0)).type, "unreadable");
});

Deno.test("a summary names the checks, or the step of a change of keys and not its key", () => {
  const cases: [BatchBody, BodySummary][] = [
    [{ type: "checks", checks: CHECKS }, { type: "checks", names: ["resolv", "later"] }],
    ...BODIES.keys.map((body): [BatchBody, BodySummary] => [
      body,
      { type: "keys", step: body.operation.type },
    ]),
  ];
  for (const [body, expected] of cases) {
    assertEquals(summaryOf(body), expected);
    assertEquals(JSON.stringify(summaryOf(body)).includes(FINGERPRINT), false);
  }
  assertEquals(summaryOf({ type: "unreadable", reason: "why" }), { type: "unreadable" });
});
