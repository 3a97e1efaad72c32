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

Deno.test("a secret file is created with mode 0600 and can be read", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    createSecretFile(path, "secret\n");
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
    assertEquals(readSecretFile(path), "secret\n");
  }));

Deno.test("an existing secret file is not overwritten", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    createSecretFile(path, "first");
    assertThrows(() => createSecretFile(path, "second"), UsageError, "cannot be created");
    assertEquals(readSecretFile(path), "first");
  }));

Deno.test("a missing secret file is undefined", () =>
  inTemporaryFolder((folder) => assertEquals(readSecretFile(join(folder, "token")), undefined)));

Deno.test("a secret file that other users can read or write is refused with its mode", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    createSecretFile(path, "secret");
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      Deno.chmodSync(path, mode);
      const error = assertThrows(() => readSecretFile(path), UsageError, `0${mode.toString(8)}`);
      assertEquals(error.message.includes("secret "), false);
    }
  }));

Deno.test("a directory is refused as a secret file", () =>
  inTemporaryFolder((folder) => {
    Deno.chmodSync(folder, 0o700);
    assertThrows(() => readSecretFile(folder), UsageError);
  }));

Deno.test("a FIFO is refused as a secret file, without waiting for a writer", () =>
  inTemporaryFolder(async (folder) => {
    const path = join(folder, "token");
    const make = new Deno.Command("/bin/sh", { args: ["-c", 'mkfifo -m 600 "$0"', path] });
    assertEquals((await make.output()).code, 0);
    assertThrows(() => readSecretFile(path), UsageError, "is not a regular file");
  }));

Deno.test("a temporary file that a crash left can be removed, and the secret created", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "token");
    Deno.writeTextFileSync(`${path}.new`, "hal");
    assertThrows(() => createSecretFile(path, "half"), UsageError, "cannot be created");
    assertEquals(readSecretFile(path), undefined);
    removeUnfinishedSecretFile(path);
    removeUnfinishedSecretFile(path);
    createSecretFile(path, "whole");
    assertEquals(readSecretFile(path), "whole");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["token"]);
  }));

Deno.test({
  name: "a secret file of another user is refused, also for root unless rootReadsAll is set",
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

Deno.test("a file with rules may be readable but not writable by other users", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "keys");
    assertThrows(() => readRulesFile(path), UsageError, `${path} does not exist`);
    Deno.writeTextFileSync(path, "rules");
    Deno.chmodSync(path, 0o644);
    assertEquals(readRulesFile(path), "rules");
    for (const mode of [0o664, 0o646]) {
      Deno.chmodSync(path, mode);
      assertThrows(() => readRulesFile(path), UsageError, "chmod go-w");
    }
    Deno.chmodSync(path, 0o600);
    Deno.truncateSync(path, 2 * 1024 * 1024);
    assertThrows(() => readRulesFile(path), UsageError, "is 2097152 bytes long; maximum 1048576");
  }));
