import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { inTemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { HostError } from "../errors.ts";
import { replaceSecretFile } from "./replace_secret.ts";
import { createSecretFile, readSecretFile } from "./secret_file.ts";

Deno.test("a secret file is replaced with mode 0600", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "keyring");
    createSecretFile(path, "a long first secret");
    Deno.chmodSync(path, 0o644);
    Deno.writeTextFileSync(`${path}.new`, "left by a crash", { mode: 0o666 });
    replaceSecretFile(path, "second");
    assertEquals(readSecretFile(path), "second");
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["keyring"]);
  }));

Deno.test("a symbolic link is kept, and its target is replaced", () =>
  inTemporaryFolder((folder) => {
    const [path, link] = [join(folder, "keyring"), join(folder, "link")];
    createSecretFile(path, "first");
    // Deno creates links only with permission to write everywhere.
    const { success } = new Deno.Command("/bin/sh", {
      args: ["-c", 'ln -s "$0" "$1"', path, link],
    }).outputSync();
    assertEquals(success, true);
    replaceSecretFile(link, "second");
    assertEquals(Deno.lstatSync(link).isSymlink, true);
    assertEquals(readSecretFile(path), "second");
  }));

Deno.test("if the write fails the file is unchanged, and the error does not contain the secret", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "keyring");
    createSecretFile(path, "first");
    // A directory at the path of the temporary file.
    Deno.mkdirSync(join(`${path}.new`, "occupied"), { recursive: true });
    const error = assertThrows(() => replaceSecretFile(path, "SECRET"), HostError, path);
    assertEquals(error.message.includes("SECRET"), false);
    assertEquals(readSecretFile(path), "first");
    assertThrows(
      () => replaceSecretFile(join(folder, "none"), "x"),
      HostError,
      "cannot be written",
    );
  }));
