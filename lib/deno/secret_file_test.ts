import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { inTemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { UsageError } from "../errors.ts";
import {
  createSecretFile,
  readRulesFile,
  readSecretFile,
  removeUnfinishedSecretFile,
} from "./secret_file.ts";

Deno.test("a secret is read back, and its file is its owner's alone", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    createSecretFile(path, "secret\n");
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    assertEquals(readSecretFile(path), "secret\n");
  }));

Deno.test("a secret's file is never written over", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    createSecretFile(path, "first");
    assertThrows(() => createSecretFile(path, "second"), UsageError, "cannot be made");
    assertEquals(readSecretFile(path), "first");
  }));

Deno.test("a file that is not there holds no secret", () =>
  inTemporaryFolder((folder) => assertEquals(readSecretFile(join(folder, "token")), undefined)));

Deno.test("a file that others can read or write is refused with its mode", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    createSecretFile(path, "secret");
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      Deno.chmodSync(path, mode);
      const error = assertThrows(() => readSecretFile(path), UsageError, `0${mode.toString(8)}`);
      assertEquals(error.message.includes("secret "), false);
    }
  }));

Deno.test("a folder is no secret", () =>
  inTemporaryFolder((folder) => {
    Deno.chmodSync(folder, 0o700);
    assertThrows(() => readSecretFile(folder), UsageError);
  }));

Deno.test("a pipe is no secret, and is not waited for", () =>
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "token");
    const make = new Deno.Command("/bin/sh", { args: ["-c", 'mkfifo -m 600 "$0"', path] });
    assertEquals((await make.output()).code, 0);
    assertThrows(() => readSecretFile(path), UsageError, "is no regular file");
  }));

Deno.test("a secret that a crash left unfinished is in nobody's way once it is removed", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    Deno.writeTextFileSync(`${path}.new`, "hal");
    assertThrows(() => createSecretFile(path, "half"), UsageError, "cannot be made");
    assertEquals(readSecretFile(path), undefined);
    removeUnfinishedSecretFile(path);
    removeUnfinishedSecretFile(path);
    createSecretFile(path, "whole");
    assertEquals(readSecretFile(path), "whole");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["token"]);
  }));

Deno.test({
  name: "another user's secret is refused, to root too unless it asks for it",
  ignore: Deno.uid() !== 0,
  fn: () =>
    inTemporaryFolder((folder) => {
      const path = join(folder, "token");
      createSecretFile(path, "secret");
      Deno.chownSync(path, 65534, 65534);
      assertThrows(() => readSecretFile(path), UsageError, "belongs to another user (uid 65534)");
      assertEquals(readSecretFile(path, { rootReadsAll: true }), "secret");
      Deno.chmodSync(path, 0o644);
      assertThrows(() => readSecretFile(path, { rootReadsAll: true }), UsageError, "0644");
    }),
});

Deno.test("a file of rules may be read by others and not written by them", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "keys");
    assertThrows(() => readRulesFile(path), UsageError, `${path} is not there`);
    Deno.writeTextFileSync(path, "rules");
    Deno.chmodSync(path, 0o644);
    assertEquals(readRulesFile(path), "rules");
    for (const mode of [0o664, 0o646]) {
      Deno.chmodSync(path, mode);
      assertThrows(() => readRulesFile(path), UsageError, "chmod go-w");
    }
    Deno.chmodSync(path, 0o600);
    Deno.truncateSync(path, 2 * 1024 * 1024);
    assertThrows(() => readRulesFile(path), UsageError, "too large");
  }));
