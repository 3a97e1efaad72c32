import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { configuredToken, tokenNamedByDaemon } from "./find_token.ts";

const FILES: Readonly<Record<string, string>> = {
  "/flag": `${"1".repeat(64)}\n`,
  "/variable": `${"2".repeat(64)}\n`,
  "/state/token": `${"3".repeat(64)}\n`,
  "/secret": "-----BEGIN PRIVATE KEY-----\n",
};

function files() {
  const asked: string[] = [];
  const read = (path: string) => {
    asked.push(path);
    if (path === "/loose") throw new UsageError("/loose can be read by others");
    return FILES[path];
  };
  return { read, asked };
}

Deno.test("the flag's file is used before the variable's, and no file is read if neither is set", () => {
  const cases: [string | undefined, string | undefined, string | undefined][] = [
    ["/flag", "/variable", "/flag"],
    [undefined, "/variable", "/variable"],
    [undefined, "", undefined],
    [undefined, undefined, undefined],
  ];
  for (const [flag, variable, expected] of cases) {
    const { read, asked } = files();
    const token = configuredToken({ flag, variable }, read);
    assertEquals(token?.length, expected === undefined ? undefined : 32);
    assertEquals(asked, expected === undefined ? [] : [expected]);
  }
});

Deno.test("an error names the file that the user named, and does not repeat its content", () => {
  const cases: [string, string][] = [
    ["/missing", "flag -token-file: /missing does not exist"],
    ["/loose", "flag -token-file: /loose can be read by others"],
    ["/secret", "flag -token-file: /secret holds no token: expected 64 hex digits"],
  ];
  for (const [flag, message] of cases) {
    const { read } = files();
    const error = assertThrows(
      () => configuredToken({ flag, variable: undefined }, read),
      UsageError,
    );
    assertEquals(error.message, message);
  }
  const { read } = files();
  assertThrows(
    () => configuredToken({ flag: undefined, variable: "/missing" }, read),
    UsageError,
    "GOSSIPCHECK_TOKEN: /missing does not exist",
  );
});

Deno.test("the file that a daemon names is used if it is a token; an error does not repeat its content", () => {
  const { read, asked } = files();
  assertEquals(tokenNamedByDaemon("/state/token", read), new Uint8Array(32).fill(0x33));
  assertEquals(asked, ["/state/token"]);
  for (const path of ["state/token", "", "/a\nb", "-", "/a\x1b[2J"]) {
    assertThrows(() => tokenNamedByDaemon(path, read), UsageError, "the path is not absolute");
  }
  assertEquals(asked.length, 1);
  assertThrows(() => tokenNamedByDaemon("/missing", read), UsageError, "/missing does not exist");
  const error = assertThrows(() => tokenNamedByDaemon("/secret", read), UsageError);
  assertEquals(error.message.includes("PRIVATE"), false);
});
