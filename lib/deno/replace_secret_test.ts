import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { inTemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { HostError } from "../errors.ts";
import { replaceSecretFile } from "./replace_secret.ts";
import { createSecretFile, readSecretFile } from "./secret_file.ts";

Deno.test("a secret is replaced whole, by a file that is its owner's alone", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "keyring");
    createSecretFile(path, "a long first secret");
    Deno.chmodSync(path, 0o644);
    Deno.writeTextFileSync(`${path}.new`, "left by a crash", { mode: 0o666 });
    replaceSecretFile(path, "second");
    assertEquals(readSecretFile(path), "second");
    assertEquals(Array.from(Deno.readDirSync(folder), ({ name }) => name), ["keyring"]);
  }));

Deno.test("a link stays, and the file behind it is replaced", () =>
  inTemporaryFolder((folder) => {
    const [path, link] = [join(folder, "keyring"), join(folder, "link")];
    createSecretFile(path, "first");
    // Deno itself makes links only where it may write everywhere.
    const { success } = new Deno.Command("/bin/sh", {
      args: ["-c", 'ln -s "$0" "$1"', path, link],
    }).outputSync();
    assertEquals(success, true);
    replaceSecretFile(link, "second");
    assertEquals(Deno.lstatSync(link).isSymlink, true);
    assertEquals(readSecretFile(path), "second");
  }));

Deno.test("where it cannot be written the file stays as it was, and the error holds no secret", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "keyring");
    createSecretFile(path, "first");
    // A folder of the name that the new file gets before it is whole.
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
