import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { givenToken, tokenFrom } from "./token.ts";

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

Deno.test("the flag's file goes before the variable's, and none is asked for where neither is given", () => {
  const cases: [string | undefined, string | undefined, string | undefined][] = [
    ["/flag", "/variable", "/flag"],
    [undefined, "/variable", "/variable"],
    [undefined, "", undefined],
    [undefined, undefined, undefined],
  ];
  for (const [flag, variable, expected] of cases) {
    const { read, asked } = files();
    const token = givenToken({ flag, variable }, read);
    assertEquals(token?.length, expected === undefined ? undefined : 32);
    assertEquals(asked, expected === undefined ? [] : [expected]);
  }
});

Deno.test("a file that the user names and that is no good is named, and what it holds is not", () => {
  const cases: [string, string][] = [
    ["/gone", "flag -token-file: /gone is not there"],
    ["/loose", "flag -token-file: /loose can be read by others"],
    ["/secret", "flag -token-file: /secret holds no token: expected 64 hex digits"],
  ];
  for (const [flag, message] of cases) {
    const { read } = files();
    const error = assertThrows(() => givenToken({ flag, variable: undefined }, read), UsageError);
    assertEquals(error.message, message);
  }
  const { read } = files();
  assertThrows(
    () => givenToken({ flag: undefined, variable: "/gone" }, read),
    UsageError,
    "GOSSIPCHECK_TOKEN: /gone is not there",
  );
});

Deno.test("the file that a daemon names is taken where it is a token, and not told of otherwise", () => {
  const { read, asked } = files();
  assertEquals(tokenFrom("/state/token", read), new Uint8Array(32).fill(0x33));
  assertEquals(asked, ["/state/token"]);
  for (const path of ["state/token", "", "/a\nb", "-", "/a\x1b[2J"]) {
    assertThrows(() => tokenFrom(path, read), UsageError, "no absolute path");
  }
  assertEquals(asked.length, 1);
  assertThrows(() => tokenFrom("/gone", read), UsageError, "/gone is not there");
  const error = assertThrows(() => tokenFrom("/secret", read), UsageError);
  assertEquals(error.message.includes("PRIVATE"), false);
});
