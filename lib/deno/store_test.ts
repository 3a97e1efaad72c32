import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { StoreError } from "../errors.ts";
import { SqliteStore } from "./store.ts";

const SCHEMA = ["CREATE TABLE IF NOT EXISTS thing (id TEXT PRIMARY KEY, bytes BLOB)"];

async function inFolder(body: (path: string) => void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    body(join(folder, "state.db"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("stored rows are read after the database was closed and opened", () =>
  inFolder((path) => {
    const first = new SqliteStore({ path, schema: SCHEMA });
    first.run("INSERT INTO thing VALUES (?, ?)", "a", new Uint8Array([1, 2]));
    first.close();
    const second = new SqliteStore({ path, schema: SCHEMA });
    assertEquals(second.query("SELECT id, bytes FROM thing").map((row) => ({ ...row })), [
      { id: "a", bytes: new Uint8Array([1, 2]) },
    ]);
    second.close();
  }));

Deno.test("a transaction that throws is rolled back", () =>
  inFolder((path) => {
    const store = new SqliteStore({ path, schema: SCHEMA });
    assertThrows(
      () =>
        store.transaction(() => {
          store.run("INSERT INTO thing VALUES (?, ?)", "a", null);
          throw new RangeError("stop");
        }),
      RangeError,
    );
    assertEquals(store.query("SELECT id FROM thing"), []);
    store.transaction(() => store.run("INSERT INTO thing VALUES (?, ?)", "b", null));
    assertEquals(store.query("SELECT id FROM thing").length, 1);
    store.close();
  }));

Deno.test("a database that is open cannot be opened by another daemon", () =>
  inFolder((path) => {
    const first = new SqliteStore({ path, schema: SCHEMA });
    const error = assertThrows(() => new SqliteStore({ path, schema: SCHEMA }), StoreError);
    assertMatch(error.message, /another daemon uses it/);
    first.close();
    new SqliteStore({ path, schema: SCHEMA }).close();
  }));

Deno.test("a file that is not a database is an error with advice", () =>
  inFolder((path) => {
    Deno.writeTextFileSync(path, "this is not a database, it is a long line of text\n".repeat(100));
    const error = assertThrows(() => new SqliteStore({ path, schema: SCHEMA }), StoreError);
    assertMatch(error.message, /state\.db: .*not a database; restore it/);
  }));

Deno.test("a missing directory is an error with advice", () =>
  inFolder((path) => {
    const error = assertThrows(
      () => new SqliteStore({ path: join(path, "no", "such"), schema: SCHEMA }),
      StoreError,
    );
    assertMatch(error.message, /must exist and be writable/);
  }));

Deno.test("a corrupt page is an error with advice", () =>
  inFolder((path) => {
    const store = new SqliteStore({ path, schema: SCHEMA });
    for (let row = 0; row < 500; row++) {
      store.run("INSERT INTO thing VALUES (?, ?)", `id ${row}`, new Uint8Array(100));
    }
    store.close();
    const bytes = Deno.readFileSync(path);
    bytes.fill(0x5a, 4096, bytes.length - 4096);
    Deno.writeFileSync(path, bytes);
    const error = assertThrows(() => new SqliteStore({ path, schema: SCHEMA }), StoreError);
    assertMatch(error.message, /malformed.*; restore it/);
  }));
