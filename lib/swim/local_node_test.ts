/** CRCs by protocol version, and delegate versions of a node that leaves. */
import { assertEquals } from "@std/assert";
import { aliveOf, Recorder } from "../../tests/support/world_recorder.ts";
import { MESSAGE_TYPE } from "../wire/messages.ts";

Deno.test("packets have a CRC only if the receiver supports protocol version 5", () => {
  for (const max of [4, 5]) {
    const me = Recorder.among(0);
    me.hear(1, aliveOf(1, { versions: [1, max, 2, 0, 0, 0] }));
    me.nextPing();
    const type = me.takePacket("ping").bytes[0];
    assertEquals(type === MESSAGE_TYPE.hasCrc, max === 5, `version ${max}`);
  }
});

Deno.test("a node that leaves does not adopt another delegate version", () => {
  const me = Recorder.among(0, { gossipIntervalMs: 60_000 });
  const versions = [1, 5, 2, 0, 5, 0] as const;
  for (let number = 1; number <= 30; number++) me.hear(number, aliveOf(number, { versions }));
  me.machine.leave(20_000);
  me.hear(1, aliveOf(40, { versions: [1, 5, 2, 2, 5, 4] }));
  const self = me.machine.self();
  assertEquals([self.versions[5], self.incarnation, self.state], [0, 1, "left"]);
});
