/**
 * Encryption is turned on in a running cluster, node by node, without losing one: first every node
 * gets the key and still sends plaintext, then it encrypts what it sends, then it refuses plaintext.
 */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import { eventually } from "../support/process.ts";

const KEY = new Uint8Array(32).fill(7).toBase64();
const NAMES = ["one", "three", "two"];

/** The flags of a node in each step of the procedure of README.md. */
function stepsOf(keyringFile: string): readonly (readonly string[])[] {
  const withKey = (mode: string) => [`-keyring-file=${keyringFile}`, `-plaintext=${mode}`];
  return [[], withKey("send"), withKey("accept"), withKey("refuse")];
}

Deno.test("encryption is turned on node by node, and every batch reaches all nodes meanwhile", async () => {
  await using cluster = new TestCluster();
  const keyringFile = cluster.path("keys");
  Deno.writeTextFileSync(keyringFile, KEY, { mode: 0o600 });
  const file = cluster.writeChecks("file.json", {
    shell: { type: "file_exists", path: "/bin/sh" },
  });
  const [first, ...later] = stepsOf(keyringFile);
  for (const name of ["one", "two", "three"]) await cluster.add(name, { flags: first ?? [] });
  await cluster.together();
  const allAnswer = () =>
    eventually(async () => {
      const { states, code } = await cluster.check(file);
      assertEquals({ states, code }, { states: { done: NAMES }, code: 0 });
    }, { timeoutMs: PATIENCE_MS });
  await allAnswer();
  for (const flags of later) {
    for (const index of cluster.nodes.keys()) {
      await cluster.node(index).leave();
      await cluster.restart(index, { flags });
      await allAnswer();
    }
  }
  const stranger = await cluster.add("stranger", { flags: [] });
  assertEquals([...(await stranger.members()).keys()], ["stranger"]);
  await allAnswer();
});

Deno.test("a node that accepts plaintext says so and lets no batch change its keys", async () => {
  await using cluster = new TestCluster();
  const keyringFile = cluster.path("keys");
  Deno.writeTextFileSync(keyringFile, KEY, { mode: 0o600 });
  const node = await cluster.add("one", {
    flags: [`-keyring-file=${keyringFile}`, "-plaintext=accept"],
  });
  const what = "the warning about plaintext";
  await node.events.wait(({ event }) => event === "plaintext_accepted", {
    what,
    timeoutMs: PATIENCE_MS,
  });
  const newKey = cluster.path("new");
  Deno.writeTextFileSync(newKey, new Uint8Array(32).fill(8).toBase64(), { mode: 0o600 });
  const { code, stdout } = await node.gcheck(["keys", "install", `-key-file=${newKey}`]);
  assertEquals(code, 1, stdout);
  assertStringIncludes(stdout, "this node accepts plaintext: restart it without -plaintext first");
  assertStringIncludes(Deno.readTextFileSync(keyringFile), KEY);
});
