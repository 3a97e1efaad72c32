import { assert, assertEquals, assertThrows } from "@std/assert";
import { encode, type ValueType } from "@std/msgpack";
import { CHECKS, ENDS, RESULTS } from "../../tests/support/check_samples.ts";
import { type DropReason, WireError } from "../errors.ts";
import {
  ACTION_MAX_BYTES,
  ACTION_OUTPUT_MAX_BYTES,
  ACTION_TIMEOUT_MAX_MS,
  CHECK_NAME_MAX_BYTES,
  CHECK_TYPE_MAX_BYTES,
  MESSAGE_MAX_DEPTH,
  REASON_MAX_BYTES,
} from "../limits.ts";
import { type Codec, decodeMessage, encodeMessage } from "../msgpack_codec.ts";
import {
  type ActionEnd,
  allPassed,
  CHECK,
  type Check,
  CHECK_RESULT,
  type CheckResult,
  endText,
} from "./check.ts";

function read<T>(codec: Codec<T>, value: ValueType): T {
  return decodeMessage(encode(value), { codec, what: "it" });
}

Deno.test("checks and results come out as they went in", () => {
  for (const check of CHECKS) {
    assertEquals(decodeMessage(encodeMessage(CHECK, check), { codec: CHECK, what: "it" }), check);
  }
  for (const result of RESULTS) {
    const bytes = encodeMessage(CHECK_RESULT, result);
    assertEquals(decodeMessage(bytes, { codec: CHECK_RESULT, what: "it" }), result);
  }
});

Deno.test("a newer version may append to every record", () => {
  const check = ["a", "file_exists", { path: "/x" }, null, 5, "more"];
  assertEquals(read(CHECK, check), {
    name: "a",
    type: "file_exists",
    fields: { path: "/x" },
    actionTimeoutMs: 5,
  });
  const result = ["a", ["pass", "more"], 5, null, { more: 1 }];
  assertEquals(read(CHECK_RESULT, result), {
    check: "a",
    outcome: { status: "pass" },
    durationMs: 5,
  });
  const action = [["exited", 0, "more"], "out", 0, 12, "more"];
  assertEquals(read(CHECK_RESULT, ["a", ["fail", "no", "more"], 5, action]), {
    check: "a",
    outcome: { status: "fail", reason: "no" },
    durationMs: 5,
    action: { end: { type: "exited", code: 0 }, output: "out", droppedBytes: 0, durationMs: 12 },
  });
});

const LARGEST: Check = {
  name: "n".repeat(CHECK_NAME_MAX_BYTES),
  type: "t".repeat(CHECK_TYPE_MAX_BYTES),
  fields: {},
  action: "a".repeat(ACTION_MAX_BYTES),
  actionTimeoutMs: ACTION_TIMEOUT_MAX_MS,
};

Deno.test("a check is as large as its bounds and no larger", () => {
  const bytes = encodeMessage(CHECK, LARGEST);
  assertEquals(decodeMessage(bytes, { codec: CHECK, what: "it" }), LARGEST);
  const cases: [Partial<Check>, string, DropReason][] = [
    [{ name: "" }, "it.name must be text of at least 1 bytes", "malformed"],
    [{ name: "n".repeat(256) }, "it.name is 256 bytes long; maximum 255", "too_large"],
    [{ name: "é".repeat(128) }, "it.name is 256 bytes long; maximum 255", "too_large"],
    [{ type: "" }, "it.type must be text of at least 1 bytes", "malformed"],
    [{ type: "t".repeat(65) }, "it.type is 65 bytes long; maximum 64", "too_large"],
    [{ action: "a".repeat(65_537) }, "it.action is 65537 bytes long; maximum 65536", "too_large"],
    [
      { actionTimeoutMs: 86_400_001 },
      "it.actionTimeoutMs is 86400001; maximum 86400000",
      "too_large",
    ],
    [{ actionTimeoutMs: -1 }, "it.actionTimeoutMs must be a whole number", "malformed"],
  ];
  for (const [change, message, reason] of cases) {
    const bytes = encodeMessage(CHECK, { ...LARGEST, ...change });
    const error = assertThrows(() => decodeMessage(bytes, { codec: CHECK, what: "it" }), WireError);
    assertEquals([error.message, error.reason], [message, reason]);
  }
});

Deno.test("a field may hold what JSON could hold, and nothing else", () => {
  const withField = (value: ValueType) => ["n", "t", { k: value }, null, 1];
  const values: readonly ValueType[] = [
    ...["", "é", 0, -1.5, true, false, null, [], {}],
    [1, ["x", { deep: [null] }]],
    { constructor: "x", toString: { length: 1 } },
  ];
  for (const value of values) {
    assertEquals(read(CHECK, withField(value)).fields, { k: value } as Check["fields"]);
  }
  const expected = "it.fields.k must be text, a number, true, false, null, a list or a map";
  for (const value of [NaN, Infinity]) {
    assertEquals(assertThrows(() => read(CHECK, withField(value)), WireError).message, expected);
  }
  const bytes = Uint8Array.of(1);
  assertThrows(() => read(CHECK, withField(bytes)), WireError, "it.fields.k must be a map");
  assertThrows(() => read(CHECK, withField([1, bytes])), WireError, "it.fields.k[1] must be a map");
  assertThrows(() => read(CHECK, withField({ l: NaN })), WireError, "it.fields.k.l must be");
  const raw: [string, string, string][] = [
    ["an extension", "95a16ea17481a16bc70001c001", "it.fields.k must be a map"],
    ["a timestamp", "95a16ea17481a16bd6ff00000001c001", "it.fields.k must be a map"],
    ["a text that is no UTF-8", "95a16ea17481a16ba3eda080c001", expected],
    [
      "a key that is no UTF-8",
      "95a16ea17481a3eda08000c001",
      "the key it.fields.\\u{d800} must be text",
    ],
    ["a name that is no UTF-8", "95a3eda080a17480c001", "it.name must be text in UTF-8"],
    ["the key __proto__", "95a16ea17481a95f5f70726f746f5f5f01c001", "it is not MessagePack"],
  ];
  for (const [what, hex, message] of raw) {
    const bytes = Uint8Array.fromHex(hex);
    const error = assertThrows(() => decodeMessage(bytes, { codec: CHECK, what: "it" }), WireError);
    assert(error.message.startsWith(message), `${what}: ${error.message}`);
  }
  const fields = (depth: number): ValueType => depth === 0 ? 1 : [fields(depth - 1)];
  // The check and its fields are two levels.
  assertEquals(read(CHECK, withField(fields(MESSAGE_MAX_DEPTH - 3))).name, "n");
  const deep = assertThrows(() => read(CHECK, withField(fields(MESSAGE_MAX_DEPTH))), WireError);
  assertEquals(deep.reason, "too_deep");
});

Deno.test("a result that breaks a rule is refused with its place", () => {
  const ended = (end: ValueType): ValueType => ["a", ["fail", "no"], 5, [end, "", 0, 0]];
  const cases: [ValueType, string][] = [
    [["", ["pass"], 5, null], "it.check must be text of at least 1 bytes"],
    [["n".repeat(256), ["pass"], 5, null], "it.check is 256 bytes long; maximum 255"],
    [["a", "pass", 5, null], "it.outcome must be an array"],
    [["a", ["passed"], 5, null], "it.outcome.status must be one of pass, fail, error, skipped"],
    [["a", ["fail"], 5, null], "it.outcome.reason must be text in UTF-8"],
    [
      ["a", ["error", "r".repeat(REASON_MAX_BYTES + 1)], 5, null],
      `it.outcome.reason is ${REASON_MAX_BYTES + 1} bytes long; maximum ${REASON_MAX_BYTES}`,
    ],
    [["a", ["pass"], -1, null], "it.durationMs must be a whole number"],
    [["a", ["pass"], 0.5, null], "it.durationMs must be a whole number"],
    [["a", ["fail", "no"], 5, {}], "it.action must be an array"],
    [ended(["ended"]), "it.action.end.type must be one of exited, signaled, timed_out, aborted, "],
    [ended(["exited", -1]), "it.action.end.code must be a whole number"],
    [ended(["exited", null]), "it.action.end.code must be a whole number"],
    [ended(["signaled", 9]), "it.action.end.signal must be text in UTF-8"],
    [ended(["signaled", "S".repeat(33)]), "it.action.end.signal is 33 bytes long; maximum 32"],
    [
      ended(["refused", "r".repeat(REASON_MAX_BYTES + 1)]),
      `it.action.end.reason is ${REASON_MAX_BYTES + 1} bytes long`,
    ],
    [
      ["a", ["fail", "no"], 5, [["aborted"], "o".repeat(ACTION_OUTPUT_MAX_BYTES + 1), 0, 0]],
      `it.action.output is ${ACTION_OUTPUT_MAX_BYTES + 1} bytes long`,
    ],
    [["a", ["fail", "no"], 5, [["aborted"], "", -1, 0]], "it.action.droppedBytes must be a whole"],
    [["a", ["fail", "no"], 5, [["aborted"], "", 0, null]], "it.action.durationMs must be a whole"],
  ];
  for (const [value, expected] of cases) {
    const error = assertThrows(() => read(CHECK_RESULT, value), WireError);
    assert(error.message.startsWith(expected), `${error.message} where ${expected} was expected`);
  }
});

Deno.test("results passed if each outcome is a pass", () => {
  const [pass, fail, error, skipped] = RESULTS as readonly [
    CheckResult,
    CheckResult,
    CheckResult,
    CheckResult,
  ];
  assertEquals([pass, fail, error, skipped].map(({ outcome }) => outcome.status), [
    "pass",
    "fail",
    "error",
    "skipped",
  ]);
  assert(allPassed([]));
  assert(allPassed([pass, pass]));
  for (const other of [fail, error, skipped]) assert(!allPassed([pass, other]));
});

Deno.test("the end of an action in a few words", () => {
  const texts: Readonly<Record<ActionEnd["type"], string>> = {
    exited: "exit 3",
    signaled: "signal SIGKILL",
    timed_out: "timed out",
    aborted: "aborted",
    interrupted: "interrupted",
    refused: "refused: policy",
  };
  for (const end of Object.values(ENDS)) assertEquals(endText(end), texts[end.type]);
});
