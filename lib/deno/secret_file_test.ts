import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { inTemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { UsageError } from "../errors.ts";
import { createSecretFile, readSecretFile } from "./secret_file.ts";

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
