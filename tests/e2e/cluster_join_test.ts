/** How real daemons find each other, lose each other and say so. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { MemberRecord } from "../../lib/cli/json_records.ts";
import { PATIENCE_MS, TestCluster, withCluster } from "../support/cluster.ts";
import { freePort } from "../support/free_port.ts";
import type { GossipcheckNode } from "../support/gossipcheck_node.ts";

const WAIT = { timeoutMs: PATIENCE_MS };

/** Waits until two daemons have seen each other. */
async function meet(a: GossipcheckNode, b: GossipcheckNode): Promise<void> {
  await Promise.all([
    a.waitFor("join", { name: b.name, ...WAIT }),
    b.waitFor("join", { name: a.name, ...WAIT }),
  ]);
}

Deno.test("list-members shows name, address, state, tags and who runs gossipcheck", async () => {
  await withCluster({ size: 1, flags: [] }, async (cluster) => {
    const web = await cluster.add("web", { tags: { role: "web", zone: "b" } });
    await cluster.together();
    const { code, stdout } = await cluster.origin.gcheck(["-output=json", "list-members"]);
    assertEquals(code, 0);
    const { members } = JSON.parse(stdout) as { members: readonly MemberRecord[] };
    assertEquals([...members].sort((a, b) => a.name < b.name ? -1 : 1), [
      {
        name: "n00",
        address: cluster.origin.address,
        state: "alive",
        tags: {},
        gossipcheck: true,
        self: true,
      },
      {
        name: "web",
        address: web.address,
        state: "alive",
        tags: { role: "web", zone: "b" },
        gossipcheck: true,
        self: false,
      },
    ]);
  });
});

Deno.test("a daemon waits for a peer that is not there yet, and meets it when it comes", async () => {
  await using cluster = new TestCluster();
  const later = `127.0.0.1:${freePort()}`;
  const early = await cluster.add("early", { join: [later, "no-such-host.invalid:1"] });
  await early.events.wait(({ event }) => event === "join_failed", { what: "failed try", ...WAIT });
  await early.events.wait(({ event }) => event === "peer_unresolved", {
    what: "name that is not found",
    ...WAIT,
  });
  await meet(early, await cluster.add("late", { bind: later, join: [] }));
});

Deno.test("a daemon that lost every member goes back to its peers", async () => {
  await using cluster = new TestCluster();
  const first = await cluster.add("first");
  const second = await cluster.add("second");
  await meet(first, second);
  await first.kill();
  await second.waitFor("failed", { name: "first", ...WAIT });
  const since = second.events.all.length;
  const again = await cluster.add("first", { bind: first.address, join: [] });
  await Promise.all([
    second.waitFor("join", { name: "first", since, ...WAIT }),
    again.waitFor("join", { name: "second", ...WAIT }),
  ]);
});

Deno.test("who leaves is seen as left by all, and never as failed", async () => {
  await withCluster({ size: 4, flags: [] }, async (cluster) => {
    const leaver = cluster.node(2);
    const others = cluster.nodes.filter((each) => each !== leaver);
    // Who has not heard of it yet has no use for the news that it left.
    for (const node of others) await node.waitFor("join", { name: leaver.name, ...WAIT });
    await leaver.leave();
    for (const node of others) {
      await node.waitFor("left", { name: leaver.name, ...WAIT });
      assertEquals((await node.members()).get(leaver.name)?.state, "left");
      assertEquals(node.events.all.filter(({ event }) => event === "failed"), []);
    }
  });
});

Deno.test("a name conflict is said on both sides, in a line that says what to do", async () => {
  await using cluster = new TestCluster();
  const holder = await cluster.add("twin");
  const claimer = await cluster.add("twin", { stateDirectory: cluster.path("other machine") });
  for (const [node, other] of [[holder, claimer], [claimer, holder]] as const) {
    const { fields } = await node.events.wait(({ event }) => event === "name_conflict", {
      what: "name conflict",
      ...WAIT,
    });
    const message = String(fields["message"]);
    assertStringIncludes(message, `the node at ${other.address} is named "twin"`);
    assertStringIncludes(message, "-name");
  }
});

Deno.test("a port that is in use is an error of one line that names the flag, exit status 2", async () => {
  await using cluster = new TestCluster();
  const first = await cluster.add("first");
  const error = await cluster.add("second", { bind: first.address }).then(
    () => "",
    (reason: unknown) => String(reason),
  );
  assertStringIncludes(error, "ended with 2");
  assertStringIncludes(
    error,
    `gossipcheckd: cannot listen on ${first.address} (UDP): another program uses that port: ` +
      "give another address or port with -bind",
  );
});
