import { assertEquals, assertThrows } from "@std/assert";
import { CheckFileError } from "../errors.ts";
import { CHECK_FILE_MAX_BYTES, CHECKS_MAX } from "../limits.ts";
import { formatProblem, parseCheckFile } from "./parse.ts";

function parse(text: string): ReturnType<typeof parseCheckFile> {
  return parseCheckFile(new TextEncoder().encode(text));
}

function problems(content: string | Uint8Array): string[] {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const error = assertThrows(() => parseCheckFile(bytes), CheckFileError);
  return error.problems.map(formatProblem);
}

Deno.test("a valid file is parsed into its checks, in order", () => {
  const text = `{
    "a": {"type": "file_contains", "path": "/etc/resolv.conf", "check": "8.8.8.8",
          "action": "echo 8.8.8.8 >> /etc/resolv.conf", "action_timeout": "1m30s"},
    "b": {"type": "process_running", "check": "sshd"}
  }`;
  assertEquals(parse(text), [
    {
      name: "a",
      type: "file_contains",
      fields: { path: "/etc/resolv.conf", check: "8.8.8.8" },
      action: "echo 8.8.8.8 >> /etc/resolv.conf",
      actionTimeoutMs: 90_000,
    },
    {
      name: "b",
      type: "process_running",
      fields: { check: "sshd" },
      actionTimeoutMs: 300_000,
    },
  ]);
  assertEquals(parse("\ufeff" + text).length, 2);
});

Deno.test("a file that is not a check file is refused with the position of the error", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["", "the file is empty; expected a JSON object keyed by check name"],
    [" \n", "the file is empty; expected a JSON object keyed by check name"],
    [
      '{\n  "a": }',
      "line 2, column 8: the file is not JSON: expected a value",
    ],
    [
      '{"a": {"type": "file_exists", "path": "/x"',
      "line 1, column 43: the file is not JSON: expected a comma or a closing brace, but the file ends",
    ],
    [
      '{"a": {"type": "file_exists", "path": "/x",}}',
      "line 1, column 44: the file is not JSON: expected a name in double quotes; a comma after the last property is not allowed",
    ],
    ["// x\n{}", "line 1, column 1: the file is not JSON: comments are not allowed in JSON"],
    ["[]", "line 1, column 1: the file is an array; expected an object keyed by check name"],
    ["null", "line 1, column 1: the file is null; expected an object keyed by check name"],
    ["{}", "line 1, column 1: the file has no checks; expected at least one"],
    [
      "[".repeat(100_000),
      "line 1, column 65: the file is nested over 64 levels deep; expected two levels",
    ],
    [
      " ".repeat(CHECK_FILE_MAX_BYTES + 1),
      "the file is 1048577 bytes long; maximum 1048576",
    ],
  ];
  for (const [text, expected] of cases) assertEquals(problems(text), [expected]);
});

Deno.test("a file that is not UTF-8 is refused with the line", () => {
  const message = "the file is not UTF-8; save it as UTF-8";
  assertEquals(problems(new Uint8Array([0x7b, 0x0a, 0xc3, 0x28])), [`line 2: ${message}`]);
  assertEquals(problems(new Uint8Array([0xff, 0xfe, 0x7b, 0x00])), [
    "the file is UTF-16; save it as UTF-8",
  ]);
});

/** The value of a check in the file, and the expected problem. */
const BAD_CHECKS: readonly (readonly [string, string])[] = [
  ["5", 'column 7: check "a": must be an object with at least a "type", not a number'],
  [
    "{}",
    'column 2: check "a": field "type": is missing; expected one of file_exists, file_contains, process_running',
  ],
  [
    '{"type": "file_exist", "path": "/x"}',
    'column 16: check "a": field "type": is unknown: "file_exist"; the nearest known type is "file_exists"',
  ],
  ['{"type": 5}', 'column 16: check "a": field "type": must be a string, not a number'],
  [
    '{"type": "file_exists"}',
    'column 2: check "a": field "path": is missing; file_exists requires it',
  ],
  [
    '{"type": "file_exists", "path": ["/x"]}',
    'column 39: check "a": field "path": must be a string, not an array',
  ],
  [
    '{"type": "file_exists", "path": null}',
    'column 39: check "a": field "path": must be a string, not null',
  ],
  [
    '{"type": "file_exists", "path": ""}',
    'column 39: check "a": field "path": must not be empty',
  ],
  [
    '{"type": "file_exists", "path": "/a\\u0000b"}',
    'column 39: check "a": field "path": contains a NUL character, which is not allowed in a path',
  ],
  [
    '{"type": "file_exists", "path": "/\\ud800"}',
    'column 39: check "a": field "path": contains a lone surrogate, which UTF-8 cannot encode',
  ],
  [
    '{"type": "file_exists", "path": "/x", "actoin": "true"}',
    'column 55: check "a": field "actoin": is unknown for type file_exists; the nearest known field is "action" (all: path, type, action, action_timeout)',
  ],
  [
    '{"type": "file_exists", "path": "/x", "path": "/y"}',
    'column 45: check "a": field "path": appears twice; remove one',
  ],
  [
    '{"type": "process_running"}',
    'column 2: check "a": process_running requires at least one of path, check',
  ],
  [
    '{"type": "file_exists", "path": "/x", "action": " "}',
    'column 55: check "a": field "action": must not be blank',
  ],
  [
    '{"type": "file_exists", "path": "/x", "action_timeout": 30}',
    'column 63: check "a": field "action_timeout": must be a string, such as "30s", not a number',
  ],
  [
    '{"type": "file_exists", "path": "/x", "action_timeout": "25h"}',
    'column 63: check "a": field "action_timeout": is out of range: "25h"; expected 1ms to 24h',
  ],
];

Deno.test("a problem of a check names the check, the field and the position", () => {
  for (const [body, expected] of BAD_CHECKS) {
    const problem = expected.replace('check "a": field', 'check "a", field');
    assertEquals(problems(`{"a": ${body}}`), [`line 1, ${problem}`]);
  }
});

Deno.test("every problem of a file is listed", () => {
  const text = `{
    "a": {"type": "file_exist"},
    "b": {"type": "file_contains", "path": 5, "action": ""},
    "b": {"type": "file_exists", "path": "/x"},
    "": {"type": "file_exists", "path": "/x"}
  }`;
  assertEquals(problems(text).map((problem) => problem.split(":")[0]), [
    "line 2, column 19",
    "line 3, column 57",
    "line 3, column 44",
    "line 3, column 5",
    "line 4, column 5",
    "line 5, column 5",
  ]);
});

Deno.test("of more than 100 problems the first 100 are listed", () => {
  const text = `{${Array.from({ length: 200 }, (_, at) => `"c${at}": 1`).join(",")}}`;
  const error = assertThrows(() => parseCheckFile(new TextEncoder().encode(text)), CheckFileError);
  assertEquals(
    error.message,
    "the check file has over 100 problems; only the first 100 are listed",
  );
  assertEquals(
    error.problems.map(({ check }) => check),
    [...Array(100).keys()].map((n) => `c${n}`),
  );
});

Deno.test("names are limited in length and have no control characters", () => {
  const body = '{"type": "file_exists", "path": "/x"}';
  const where = "line 1, column 2: check";
  assertEquals(problems(`{"a\\u001b[2J": ${body}}`), [
    `${where} "a\\u001b[2J": has a control character in its name`,
  ]);
  const long = "n".repeat(256);
  assertEquals(problems(`{"${long}": ${body}}`), [
    `${where} "${"n".repeat(80)}…": has a name of 256 bytes; maximum 255`,
  ]);
  assertEquals(parse(`{"${"n".repeat(255)}": ${body}}`).length, 1);
  assertEquals(parse(`{"__proto__": ${body}}`)[0]?.name, "__proto__");
});

Deno.test("the number of checks is limited", () => {
  const file = (count: number) =>
    JSON.stringify(Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`c${index}`, {
        type: "file_exists",
        path: "/x",
      }]),
    ));
  assertEquals(parse(file(CHECKS_MAX)).length, CHECKS_MAX);
  assertEquals(problems(file(CHECKS_MAX + 1)), [
    "line 1, column 1: the file has 1001 checks; maximum 1000",
  ]);
});

Deno.test("every truncated file is refused, and no changed byte raises another error", () => {
  const text = '{"a": {"type": "file_contains", "path": "/é", "check": "\\u00e9", "action": "x"}}';
  const bytes = new TextEncoder().encode(text);
  for (let length = 0; length < bytes.length; length++) {
    assertThrows(() => parseCheckFile(bytes.subarray(0, length)), CheckFileError);
  }
  for (let index = 0; index < bytes.length; index++) {
    for (const byte of [0x00, 0x22, 0x5b, 0x7d, 0xff]) {
      const changed = bytes.with(index, byte);
      try {
        assertEquals(parseCheckFile(changed).length, 1);
      } catch (error) {
        if (!(error instanceof CheckFileError)) throw error;
      }
    }
  }
});
