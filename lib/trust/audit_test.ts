import { assertEquals } from "@std/assert";
import type { AppendFile } from "../runtime.ts";
import { AuditLog } from "./audit.ts";

class MemoryFile implements AppendFile {
  readonly files: string[] = [""];
  append(line: string): void {
    this.files[0] += line;
  }
  size(): number {
    return this.files[0]?.length ?? 0;
  }
  rotate(): void {
    this.files.unshift("");
  }
  reopen(): void {}
  close(): void {}
}

const CLOCK = { nowMs: () => 0, wallMs: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) };

Deno.test("a record is one JSON line with its time first", () => {
  const file = new MemoryFile();
  new AuditLog({ file, clock: CLOCK, maxBytes: 1000 }).record({
    event: "action_ended",
    batch: "B",
    origin: "o",
    signer: "s",
    check: "c",
    command: "echo 'a\nb'",
    outcome: "exit 0",
  });
  assertEquals(
    file.files[0],
    '{"when":"2026-01-02T03:04:05.006Z","event":"action_ended","batch":"B","origin":"o","signer":"s","check":"c",' +
      '"command":"echo \'a\\nb\'","outcome":"exit 0"}\n',
  );
});

Deno.test("a file past its bound is rotated before the next record, never in the middle of one", () => {
  const file = new MemoryFile();
  const log = new AuditLog({ file, clock: CLOCK, maxBytes: 200 });
  for (let count = 0; count < 10; count++) {
    log.record({ event: "batch_refused", batch: `B${count}`, origin: "o", reason: "why" });
  }
  const lines = file.files.toReversed().join("").trimEnd().split("\n");
  assertEquals(
    lines.map((line) => JSON.parse(line).batch),
    [...Array(10).keys()].map((n) => `B${n}`),
  );
  assertEquals(file.files.length, 5);
});
