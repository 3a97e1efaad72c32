import { assertEquals } from "@std/assert";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { SqliteStore } from "../deno/store.ts";
import { KNOWN_MEMBERS_KEEP_MS, KNOWN_MEMBERS_MAX } from "../limits.ts";
import type { Member } from "../swim/types.ts";
import { KNOWN_MEMBERS_SCHEMA, KnownMembers } from "./known_members.ts";

function member(name: string, host = "192.0.2.1"): Member {
  return {
    name,
    address: { host, port: 3505 },
    meta: new Uint8Array(0),
    state: "alive",
    incarnation: 1,
    versions: [1, 5, 5, 0, 0, 0],
    stateSinceMs: 0,
  };
}

/** A store for one node after the other. */
class Disk {
  readonly store = new SqliteStore({ path: ":memory:", schema: KNOWN_MEMBERS_SCHEMA });
  readonly time = new VirtualTime();
  wallMs = 1_000_000_000_000;
  boot(): KnownMembers {
    return new KnownMembers({
      store: this.store,
      clock: { nowMs: () => 0, wallMs: () => this.wallMs },
      timers: this.time,
      log: { write: () => {} },
      self: "me",
    });
  }
  rows(): string[] {
    const rows = this.store.query("SELECT * FROM known_member ORDER BY name");
    return rows.map(({ name, host, gone_wall_ms }) =>
      `${name} ${host} ${gone_wall_ms ?? "member"}`
    );
  }
  [Symbol.dispose](): void {
    this.store.close();
  }
}

Deno.test("a member that joins is known after a restart, but not the node itself; changes are written together", async () => {
  using disk = new Disk();
  const known = disk.boot();
  for (const name of ["me", "b", "a"]) {
    known.notice({ type: "member_joined", member: member(name) });
  }
  known.notice({ type: "member_updated", member: member("b", "192.0.2.9") });
  assertEquals(disk.rows(), []);
  await disk.time.pass(200);
  assertEquals(disk.rows(), ["a 192.0.2.1 member", "b 192.0.2.9 member"]);
  assertEquals(disk.time.pending, 0);
  assertEquals(disk.boot().addresses(), [
    { host: "192.0.2.9", port: 3505 },
    { host: "192.0.2.1", port: 3505 },
  ]);
});

Deno.test("failed and left members stay known, removed ones for a week, and close writes at once", async () => {
  using disk = new Disk();
  const known = disk.boot();
  for (const name of ["a", "b", "c"]) known.notice({ type: "member_joined", member: member(name) });
  known.notice({ type: "member_failed", member: member("a"), by: "b" });
  known.notice({ type: "member_left", member: member("b") });
  known.notice({ type: "member_forgotten", name: "c" });
  known.notice({ type: "member_forgotten", name: "unknown" });
  known.close();
  assertEquals(disk.rows().map((row) => row.split(" ")[0]), ["a", "b", "c"]);
  disk.wallMs += KNOWN_MEMBERS_KEEP_MS - 1;
  // A member that has not joined again counts as removed at the restart.
  assertEquals(disk.boot().addresses().length, 3);
  disk.wallMs += 2;
  const later = disk.boot();
  assertEquals(later.addresses().length, 2);
  later.notice({ type: "member_joined", member: member("a") });
  await settle();
  later.close();
  assertEquals(disk.rows(), ["a 192.0.2.1 member", `b 192.0.2.1 ${disk.wallMs}`]);
  disk.wallMs += KNOWN_MEMBERS_KEEP_MS + 1;
  assertEquals(disk.boot().addresses().length, 1);
});

Deno.test("at the maximum a removed member is evicted, a member is not", () => {
  using disk = new Disk();
  const known = disk.boot();
  const join = (name: string) => known.notice({ type: "member_joined", member: member(name) });
  for (let index = 0; index < KNOWN_MEMBERS_MAX; index++) join(`n${index}`);
  join("one too many");
  known.notice({ type: "member_forgotten", name: "n7" });
  join("in its place");
  known.close();
  const names = disk.store.query("SELECT name FROM known_member").map(({ name }) => name);
  assertEquals(names.length, KNOWN_MEMBERS_MAX);
  assertEquals(
    ["one too many", "n7", "in its place"].map((name) => names.includes(name)),
    [false, false, true],
  );
});

Deno.test("if a write fails, the changes are written with the next change", async () => {
  using disk = new Disk();
  const known = disk.boot();
  disk.store.run("ALTER TABLE known_member RENAME TO elsewhere");
  known.notice({ type: "member_joined", member: member("a") });
  await disk.time.pass(200);
  disk.store.run("ALTER TABLE elsewhere RENAME TO known_member");
  known.notice({ type: "member_joined", member: member("b") });
  await disk.time.pass(200);
  assertEquals(disk.rows().length, 2);
});
