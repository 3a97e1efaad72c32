/**
 * How often the body of a batch is encoded and decoded between `gcheck` and the nodes that run it,
 * and that what was signed is what travels. The programs run as changed copies of themselves: one
 * counts, one encodes differently.
 */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { PATIENCE_MS, TestCluster } from "../support/cluster.ts";
import { eventually, mustRun } from "../support/process.ts";
import { newSigner } from "../support/signers.ts";
import { type Patch, TestBuild } from "../support/test_build.ts";

const CHECKS = JSON.stringify({
  root: { type: "file_exists", path: "/" },
  never: { type: "file_exists", path: "/never/there", action: "true" },
});

/** Has a function of `lib/batch/body.ts` write a line to stderr each time that it is called. */
function counting(name: "encodeBody" | "decodeBody"): Patch {
  const parameter = name === "encodeBody" ? "body: BatchBody" : "bytes: Uint8Array";
  const result = name === "encodeBody" ? "Uint8Array<ArrayBuffer>" : "BatchBody";
  const find = `export function ${name}(${parameter}): ${result} {\n`;
  return {
    file: "lib/batch/body.ts",
    find,
    replace: `${find}  console.error("${name} called");\n`,
  };
}

/** How often each function was called, by the lines that a program wrote. */
function calls(lines: readonly string[]): { encodeBody: number; decodeBody: number } {
  const of = (name: string) => lines.filter((line) => line === `${name} called`).length;
  return { encodeBody: of("encodeBody"), decodeBody: of("decodeBody") };
}

Deno.test("a body is encoded by gcheck, validated by the origin, and decoded where it runs: once each", async () => {
  await using cluster = new TestCluster();
  using build = new TestBuild([counting("encodeBody"), counting("decodeBody")]);
  for (const name of ["n1", "n2", "n3"]) await cluster.add(name, { wrap: build.wrap });
  const file = join(cluster.directory, "checks.json");
  Deno.writeTextFileSync(file, CHECKS);
  for (const [round, flags] of [["-nodes=n2,n3"], []].entries()) {
    const before = cluster.nodes.map(({ lines }) => lines.all.length);
    const { code, stderr } = await cluster.origin.gcheck(["-file", file, ...flags, "check"]);
    assertEquals(code, 1, stderr);
    assertEquals(calls(stderr.split("\n")), { encodeBody: 1, decodeBody: 0 }, "gcheck");
    // What a daemon writes before it says that it has accepted the batch has then been read here.
    await eventually(() => {
      for (const { name, events } of cluster.nodes) {
        const accepted = events.all.filter(({ event }) => event === "batch_accepted").length;
        if (accepted <= round) throw new Error(`${name} has accepted ${accepted} batches`);
      }
    }, { timeoutMs: PATIENCE_MS, intervalMs: 20 });
    const daemons = cluster.nodes.map(({ lines }, index) => calls(lines.all.slice(before[index])));
    // The origin validates what it is sent, and then records and runs it as every node does.
    assertEquals(daemons, [
      { encodeBody: 0, decodeBody: 2 },
      { encodeBody: 0, decodeBody: 1 },
      { encodeBody: 0, decodeBody: 1 },
    ]);
  }
});

/** Writes every whole number as a float of eight bytes, which means the same and is another encoding. */
const OTHER_ENCODER: readonly Patch[] = [{
  file: "lib/msgpack_codec.ts",
  find: `import { encode, type ValueMap, type ValueType } from "@std/msgpack";`,
  replace: `import type { ValueMap, ValueType } from "@std/msgpack";
import { encode as encodeOtherwise } from "npm:@msgpack/msgpack@3.1.3";
const encode = (value: ValueType) => encodeOtherwise(value, { forceIntegerToFloat: true });`,
}];

Deno.test("a signed batch is verified by a daemon whose encoder is another one", async () => {
  await using cluster = new TestCluster();
  const alice = newSigner("alice", { folder: cluster.directory });
  const trusted = join(cluster.directory, "trusted-keys");
  Deno.writeTextFileSync(trusted, `${alice.trustedLine}\n`);
  using other = new TestBuild(OTHER_ENCODER);
  assertNotEquals(await encodedIn(other.directory), await encodedIn(Deno.cwd()));
  const flags = [`-trusted-keys=${trusted}`];
  await cluster.add("n1", { flags, wrap: other.wrap });
  await cluster.add("n2", { flags });
  const file = join(cluster.directory, "checks.json");
  Deno.writeTextFileSync(file, JSON.stringify({ root: { type: "file_exists", path: "/" } }));
  // Signed by gcheck as it is, sent through a daemon that would encode it otherwise.
  const sign = ["-file", file, "-sign", alice.keyFile, "check"];
  const { code, stdout } = await cluster.origin.gcheck(sign, { unwrapped: true });
  assertEquals(code, 0, stdout);
  assertStringIncludes(stdout, "2 nodes answered");
  assertStringIncludes(stdout, "signed by alice");
});

/** How the programs in a folder encode a batch, in hexadecimal digits. */
async function encodedIn(directory: string): Promise<string> {
  const script = `
    const { encodeBatchContent } = await import("./lib/batch/batch.ts");
    const batch = { id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", originName: "n1", issuedAtMs: 1,
      expiresAtMs: 2, target: {}, held: false, body: new Uint8Array(1) };
    console.log(encodeBatchContent(batch).toHex());`;
  return await mustRun({
    program: Deno.execPath(),
    args: ["eval", "--quiet", script],
    directory,
  });
}
