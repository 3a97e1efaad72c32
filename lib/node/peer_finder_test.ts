import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VirtualTime } from "../../tests/support/virtual_time.ts";
import { AddressError } from "../errors.ts";
import type { Address, Network } from "../runtime.ts";
import { PeerFinder } from "./peer_finder.ts";

/** A finder on names that the test knows, with all that it does written down. */
function finderOn(names: Map<string, string[]>, random = () => 0.5) {
  const time = new VirtualTime();
  const joined: Address[][] = [];
  const warnings: string[] = [];
  const network: Pick<Network, "resolve"> = {
    resolve(hostname) {
      const found = names.get(hostname);
      return found ? Promise.resolve(found) : Promise.reject(new AddressError("no such name"));
    },
  };
  const finder = new PeerFinder({
    network: network as Network,
    timers: time,
    random: { next: random, bytes: (length) => new Uint8Array(length) },
    log: { write: (...[, , message]) => void warnings.push(message) },
    join: (addresses) => joined.push([...addresses]),
  });
  return { finder, time, joined, warnings };
}

Deno.test("every address of a name is joined through, with the peer's port", async () => {
  const { finder, time, joined } = finderOn(new Map([["a", ["192.0.2.1", "2001:db8::1"]]]));
  finder.find({ hostname: "a", port: 7 });
  await time.pass(0);
  assertEquals(joined, [[{ host: "192.0.2.1", port: 7 }, { host: "2001:db8::1", port: 7 }]]);
  assertEquals(time.pending, 0);
});

Deno.test("a name that is not found is tried again with a longer pause each time", async () => {
  const names = new Map<string, string[]>();
  const { finder, time, joined, warnings } = finderOn(names);
  finder.find({ hostname: "later", port: 7 });
  const pauses: number[] = [];
  for (let i = 0; i < 8; i++) {
    await time.pass(0);
    assert(time.nextInMs !== undefined);
    pauses.push(time.nextInMs);
    await time.pass(time.nextInMs);
  }
  assertEquals(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
  assertStringIncludes(warnings[0] ?? "", "later:7");
  names.set("later", ["192.0.2.9"]);
  await time.pass(60_000);
  assertEquals(joined, [[{ host: "192.0.2.9", port: 7 }]]);
});

Deno.test("jitter takes a quarter of the pause at most", async () => {
  const { finder, time } = finderOn(new Map(), () => 0);
  finder.find({ hostname: "later", port: 7 });
  await time.pass(0);
  assertEquals(time.nextInMs, 750);
});

Deno.test("once closed it tries no more and joins nothing", async () => {
  const names = new Map<string, string[]>();
  const { finder, time, joined } = finderOn(names);
  finder.find({ hostname: "later", port: 7 });
  await time.pass(0);
  finder.close();
  names.set("later", ["192.0.2.9"]);
  await time.pass(100_000);
  assertEquals([joined, time.pending], [[], 0]);
});
