import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { inTemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { HostError } from "../errors.ts";
import { RotatingFile } from "./append_file.ts";

Deno.test("lines are appended to an existing file, which only its owner can read", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "audit.log");
    const first = new RotatingFile({ path, keep: 2 });
    first.append("one\n");
    first.close();
    const second = new RotatingFile({ path, keep: 2 });
    second.append("two\n");
    assertEquals(second.size(), 8);
    second.close();
    assertEquals(Deno.readTextFileSync(path), "one\ntwo\n");
    assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  }));

Deno.test("rotation keeps the given number of older files", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "audit.log");
    const file = new RotatingFile({ path, keep: 2 });
    for (const line of ["a", "b", "c", "d"]) {
      file.append(line);
      file.rotate();
    }
    file.append("e");
    file.close();
    const names = [...Deno.readDirSync(folder)].map((entry) => entry.name).sort();
    assertEquals(
      names.map((name) => [name, Deno.readTextFileSync(join(folder, name))]),
      [["audit.log", "e"], ["audit.log.1", "d"], ["audit.log.2", "c"]],
    );
  }));

Deno.test("after the file was renamed, reopen creates a new one", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "audit.log");
    const file = new RotatingFile({ path, keep: 2 });
    Deno.renameSync(path, join(folder, "moved"));
    file.append("old\n");
    file.reopen();
    file.append("new\n");
    file.close();
    assertEquals(Deno.readTextFileSync(join(folder, "moved")), "old\n");
    assertEquals(Deno.readTextFileSync(path), "new\n");
  }));

Deno.test("a missing directory is an error that names the file", () =>
  inTemporaryFolder((folder) => {
    assertThrows(
      () => new RotatingFile({ path: join(folder, "no", "audit.log"), keep: 2 }),
      HostError,
      "audit.log",
    );
  }));

Deno.test("a line that a crash truncated is followed by a line feed", () =>
  inTemporaryFolder((folder) => {
    const path = join(folder, "audit.log");
    Deno.writeTextFileSync(path, "whole\nhal");
    for (const line of ["next\n", "last\n"]) {
      const file = new RotatingFile({ path, keep: 2 });
      file.append(line);
      file.close();
    }
    assertEquals(Deno.readTextFileSync(path), "whole\nhal\nnext\nlast\n");
  }));
