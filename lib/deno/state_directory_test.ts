import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { inTemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { StoreError, UsageError } from "../errors.ts";
import { defaultStateDirectory, directoryNames, openNodeStore } from "./state_directory.ts";

const SCHEMA = ["CREATE TABLE IF NOT EXISTS thing (id TEXT PRIMARY KEY)"];

/** Decodes `directoryNames`. */
function nameOf(directories: readonly string[]): string {
  return decodeURIComponent(directories.map((each) => each.replace(/%$/, "")).join(""));
}

Deno.test("the default state directory is per user, and /var/lib/gossipcheck for root", () => {
  const place = (uid: number, variables: Record<string, string>) =>
    defaultStateDirectory({ uid, variable: (name) => variables[name] });
  assertEquals(place(0, { HOME: "/root", XDG_STATE_HOME: "/x" }), "/var/lib/gossipcheck");
  assertEquals(place(7, { HOME: "/home/a", XDG_STATE_HOME: "/x" }), "/x/gossipcheck");
  assertEquals(place(7, { HOME: "/home/a" }), "/home/a/.local/state/gossipcheck");
  const relative = { HOME: "/home/a", XDG_STATE_HOME: "state" };
  assertEquals(place(7, relative), "/home/a/.local/state/gossipcheck");
  for (const variables of [{}, { HOME: "" }, { HOME: "~", XDG_STATE_HOME: "" }]) {
    const error = assertThrows(() => place(7, variables), UsageError);
    assertMatch(error.message, /neither XDG_STATE_HOME nor HOME.*-state-dir DIR/);
  }
});

Deno.test("every node name has its own directory below the root, and the encoding can be reversed", () => {
  const names = ["web-1", "web.1_A", "ada:2000", "..", ".", ".hidden", "../../etc", "a/b", "a%2Fb"];
  const others = ["%", "ü 1", "a\\b", "CON", "x".repeat(255), "/".repeat(255), "x".repeat(250)];
  const seen = new Set<string>();
  for (const name of [...names, ...others]) {
    const directories = directoryNames(name);
    assertEquals(nameOf(directories), name);
    for (const each of directories) {
      assertMatch(each, /^[\w%-][\w%.-]*$/);
      assert(each.length <= 255, each);
    }
    seen.add(directories.join("/"));
  }
  assertEquals(seen.size, names.length + others.length);
  assertEquals(directoryNames("ada:2000"), ["ada%3A2000"]);
  // The nested directory of a longer name is never the directory of a shorter name.
  assertEquals(directoryNames("x".repeat(255))[0], `${"x".repeat(250)}%`);
});

Deno.test("state directories are created with mode 0700, and the database is locked", () =>
  inTemporaryFolder((folder) => {
    const root = join(folder, "state", "gossipcheck");
    using cleanup = new DisposableStack();
    const store = openNodeStore({ root, name: "a/b", schema: SCHEMA });
    cleanup.defer(() => store.close());
    for (const path of [join(folder, "state"), root, join(root, "a%2Fb")]) {
      assertEquals((Deno.statSync(path).mode ?? 0) & 0o777, 0o700, path);
    }
    assertEquals((Deno.statSync(join(root, "a%2Fb", "state.db")).mode ?? 0) & 0o777, 0o600);
    const again = () => openNodeStore({ root, name: "a/b", schema: SCHEMA });
    assertMatch(assertThrows(again, StoreError).message, /another daemon uses it/);
    openNodeStore({ root, name: "b", schema: SCHEMA }).close();
  }));

Deno.test("a directory that cannot be created is an error that names it and the remedy", () =>
  inTemporaryFolder((folder) => {
    Deno.writeTextFileSync(join(folder, "file"), "");
    const open = () => openNodeStore({ root: join(folder, "file"), name: "a", schema: SCHEMA });
    assertMatch(
      assertThrows(open, StoreError).message,
      /^state directory .*file\/a cannot be created: .*; make it writable .* choose another -state-dir$/,
    );
  }));
