/**
 * Who may command a daemon: its own user, root, and who was given its token. Nobody else, though
 * every user of a machine reaches its loopback.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { GossipcheckNode } from "../support/gossipcheck_node.ts";
import {
  gcheckAsOther,
  missingForOtherUser,
  OTHER_USER_FOLDER,
  OTHER_USER_ID,
} from "../support/other_user.ts";
import { runCommand } from "../support/process.ts";

const NO_OTHER_USER = missingForOtherUser();

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "gossipcheck-token-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A daemon whose state is in the folder, and where its token then is. */
async function startIn(folder: string, flags: readonly string[] = []) {
  const stateDirectory = join(folder, "state");
  const node = await GossipcheckNode.start({ name: "guarded", stateDirectory, flags });
  return { node, token: join(stateDirectory, "guarded", "token") };
}

/** Why the daemon of these flags does not start. */
async function refusal(folder: string, flags: readonly string[] = []): Promise<string> {
  try {
    const { node } = await startIn(folder, flags);
    await node[Symbol.asyncDispose]();
    return "it started";
  } catch (error) {
    return String(error);
  }
}

/** Where a daemon takes clients. */
function serverOf(node: GossipcheckNode): string {
  const started = node.events.all.find(({ event }) => event === "daemon_started");
  return String(started?.fields["clients"]);
}

Deno.test("a token is made at the first start, for its owner alone, and found by gcheck itself", () =>
  withFolder(async (folder) => {
    const { node: first, token } = await startIn(folder);
    let text: string;
    {
      await using node = first;
      text = Deno.readTextFileSync(token);
      assertMatch(text, /^[0-9a-f]{64}\n$/);
      assertEquals((Deno.statSync(token).mode ?? 0) & 0o777, 0o600);
      const { code, stderr } = await node.gcheck(["list-members"]);
      assertEquals([code, stderr], [0, ""]);
      await node.leave();
    }
    const { node: second } = await startIn(folder);
    await using node = second;
    assertEquals(Deno.readTextFileSync(token), text, "a restart keeps it");
    assertEquals((await node.gcheck(["list-members"])).code, 0);
  }));

Deno.test("who has another token is turned away, and the daemon says so", () =>
  withFolder(async (folder) => {
    const { node: started, token } = await startIn(folder);
    await using node = started;
    const other = join(folder, "other");
    Deno.writeTextFileSync(other, `${"ab".repeat(32)}\n`, { mode: 0o600 });
    const wrong = await node.gcheck([`-token-file=${other}`, "list-members"]);
    assertEquals([wrong.code, wrong.stdout], [4, ""]);
    assertStringIncludes(wrong.stderr, "token");
    const right = await node.gcheck([`-token-file=${token}`, "list-members"]);
    assertEquals(right.code, 0);
  }));

Deno.test({
  name: "another user of the machine gets exit status 4 and the name of the file that they lack",
  ignore: NO_OTHER_USER !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const { node: started, token } = await startIn(folder);
      await using node = started;
      const args = [`-server=${serverOf(node)}`, "list-members"];
      const stranger = await runCommand(await gcheckAsOther(args, { folder }));
      assertEquals([stranger.code, stranger.stdout], [4, ""]);
      assertStringIncludes(stranger.stderr, token);
      assertEquals(stranger.stderr.trimEnd().split("\n").length, 1);

      // Given a token file of their own user, with the same secret, they are let in.
      const given = join(folder, "given");
      Deno.writeTextFileSync(given, Deno.readTextFileSync(token), { mode: 0o600 });
      Deno.chownSync(given, OTHER_USER_ID, OTHER_USER_ID);
      const friend = await runCommand(
        await gcheckAsOther([`-token-file=${OTHER_USER_FOLDER}/given`, ...args], { folder }),
      );
      assertEquals([friend.code, friend.stderr], [0, ""]);
    }),
});

Deno.test({
  name: "root reads another user's token file",
  ignore: NO_OTHER_USER !== undefined,
  fn: () =>
    withFolder(async (folder) => {
      const { node: started, token } = await startIn(folder);
      await using node = started;
      Deno.chownSync(token, OTHER_USER_ID, OTHER_USER_ID);
      const { code, stderr } = await node.gcheck(["list-members"]);
      assertEquals([code, stderr], [0, ""]);
    }),
});

Deno.test("a token file that others can read is refused on both sides, as ssh does", () =>
  withFolder(async (folder) => {
    const { node: started, token } = await startIn(folder);
    {
      await using node = started;
      Deno.chmodSync(token, 0o644);
      const { code, stderr } = await node.gcheck(["list-members"]);
      assertEquals(code, 4);
      assertStringIncludes(stderr, token);
      assertStringIncludes(stderr, "0644");
      assertStringIncludes(stderr, "chmod 600");
    }
    const daemon = await refusal(folder);
    assertStringIncludes(daemon, `${token} can be read or written by others (mode 0644)`);
    assertMatch(daemon, /ended with 2/);
  }));

Deno.test("a file that holds no token stops the daemon and is not quoted", () =>
  withFolder(async (folder) => {
    const file = join(folder, "mine");
    Deno.writeTextFileSync(file, "hunter2\n", { mode: 0o600 });
    const error = await refusal(folder, [`-token-file=${file}`]);
    assertStringIncludes(error, `flag -token-file: ${file} holds no token: expected 64 hex digits`);
    assert(!error.includes("hunter2"));
  }));

Deno.test("a token of the operator's own choice is taken, and none is made beside it", () =>
  withFolder(async (folder) => {
    const file = join(folder, "mine");
    Deno.writeTextFileSync(file, "0f".repeat(32), { mode: 0o600 });
    const { node: started, token } = await startIn(folder, [`-token-file=${file}`]);
    await using node = started;
    assertEquals((await node.gcheck(["list-members"])).code, 0);
    await assertMissing(token);
  }));

Deno.test("a daemon that keeps no state has no token, and warns of it", () =>
  withFolder(async () => {
    await using node = await GossipcheckNode.start({ name: "open" });
    const warning = node.events.all.find(({ event }) => event === "clients_unchecked");
    assertEquals(warning?.fields["level"], "warn");
    assertStringIncludes(
      String(warning?.fields["message"]),
      "any local user can command this daemon",
    );
    assertEquals((await node.gcheck(["list-members"])).code, 0);
  }));

async function assertMissing(path: string): Promise<void> {
  const found = await Deno.stat(path).then(() => true, () => false);
  assert(!found, `${path} is there`);
}
