/**
 * Secrets stay where they belong: programs are run in every way that could let one slip, and all
 * that they wrote and showed is searched for it.
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { TestCluster } from "../support/cluster.ts";
import { GossipcheckNode } from "../support/gossipcheck_node.ts";
import { newSigner } from "../support/signers.ts";

/** The ways to write a secret down. */
function spellings(secret: Uint8Array): string[] {
  const base64 = secret.toBase64();
  return [
    secret.toHex(),
    secret.toHex().toUpperCase(),
    base64.replace(/=+$/, ""),
    base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, ""),
    secret.join(","),
    secret.join(", "),
    latin1(secret),
  ];
}

/** What is looked for. */
interface Secret {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Its own file, where it may stand. */
  readonly file: string;
}

function assertWithout(secrets: readonly Secret[], texts: ReadonlyMap<string, string>): void {
  assert(texts.size > 0);
  for (const { name, bytes } of secrets) {
    for (const spelling of spellings(bytes)) {
      for (const [where, text] of texts) {
        assert(!text.includes(spelling), `the ${name} stands in ${where}`);
      }
    }
  }
}

/** The texts of every file below the folder, a byte a character, so that raw bytes are found as well. */
function filesBelow(folder: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) { for (const each of filesBelow(path)) found.set(...each); }
    else if (entry.isFile) found.set(path, latin1(Deno.readFileSync(path)));
  }
  return found;
}

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

function commandLineOf(pid: number): string {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
}

/** Two nodes with every secret that there is, a third with another key, and all that they show. */
class SecretFleet extends TestCluster {
  readonly stateDirectory = this.path("state");
  readonly alice = newSigner("alice", { folder: this.directory });
  readonly #keys = ["keyring.json", "other.json"].map((name) => {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    this.#write(name, JSON.stringify([bytes.toBase64()]));
    return { name: `key of ${name}`, bytes, file: this.path(name) };
  });
  /** What was written and shown, by where. */
  readonly texts = new Map<string, string>();

  #write(name: string, text: string): string {
    Deno.writeTextFileSync(this.path(name), text, { mode: 0o600 });
    return this.path(name);
  }

  tokenFile(node: string): string {
    return join(this.stateDirectory, node, "token");
  }

  get secrets(): Secret[] {
    // Of a PKCS #8 key the last 32 bytes are the secret (RFC 8410 section 7).
    const pem = Uint8Array.fromBase64(this.alice.secret.split("\n").slice(1, -2).join(""));
    return [
      ...this.#keys,
      { name: "signing key", bytes: pem.slice(-32), file: this.alice.keyFile },
      ...["n1", "n2"].map((name) => {
        const file = this.tokenFile(name);
        const bytes = Uint8Array.fromHex(Deno.readTextFileSync(file).trimEnd());
        return { name: `token of ${name}`, bytes, file };
      }),
    ];
  }

  async startAll(): Promise<void> {
    const trusted = this.#write("trusted-keys", `${this.alice.trustedLine}\n`);
    const common = ["-log-level=debug", `-trusted-keys=${trusted}`];
    const flags = [...common, `-keyring-file=${this.path("keyring.json")}`];
    await this.add("n1", { stateDirectory: this.stateDirectory, flags });
    await this.add("n2", { stateDirectory: this.stateDirectory, flags });
    await this.together();
    await this.add("stranger", {
      flags: [...common, `-keyring-file=${this.path("other.json")}`],
    });
  }

  /** `gcheck` in every way in which it reads a secret, right and wrong. */
  async runClients(): Promise<void> {
    const file = this.writeChecks("checks.json", {
      shows: {
        type: "file_exists",
        path: "/nowhere/at/all",
        action: "env; ps -ef; tr '\\0' ' ' < /proc/$PPID/environ; echo; exit 1",
      },
    });
    const token = this.tokenFile("n1");
    const loose = this.#write("loose", Deno.readTextFileSync(token));
    Deno.chmodSync(loose, 0o644);
    const wrong = this.#write("wrong", `${"ab".repeat(32)}\n`);
    const sign = `-sign=${this.alice.keyFile}`;
    const runs: [string[], number][] = [
      [["list-members"], 0],
      [[`-file=${file}`, "check"], 4],
      [[`-file=${file}`, sign, "check"], 1],
      [[`-file=${file}`, sign, "-output=json", "check"], 1],
      [["results"], 0],
      [[`-token-file=${loose}`, "list-members"], 2],
      [[`-token-file=${wrong}`, "list-members"], 4],
      [[`-token-file=${this.alice.keyFile}`, "list-members"], 2],
      [[`-file=${file}`, `-sign=${token}`, "check"], 2],
      [[`-file=${file}`, `-sign=${this.path("keyring.json")}`, "check"], 2],
    ];
    for (const [args, expected] of runs) {
      const { code, stdout, stderr } = await this.origin.gcheck(args);
      const shown = args.join(" ");
      assertEquals(code, expected, `${shown}: ${stderr}`);
      this.texts.set(`the output of gcheck ${shown}`, stdout);
      this.texts.set(`the errors of gcheck ${shown}`, stderr);
    }
  }

  /** Daemons that are given one secret for another. */
  async runMisled(): Promise<void> {
    const [token, keyring] = [this.tokenFile("n1"), this.path("keyring.json")];
    for (
      const flag of [
        `-keyring-file=${token}`,
        `-keyring-file=${this.alice.keyFile}`,
        `-trusted-keys=${token}`,
        `-trusted-keys=${this.alice.keyFile}`,
        `-token-file=${keyring}`,
        `-token-file=${this.path("loose")}`,
      ]
    ) {
      const error = await GossipcheckNode.start({ name: "misled", flags: [flag] }).then(
        async (node) => {
          await node[Symbol.asyncDispose]();
          return undefined;
        },
        (reason) => String(reason),
      );
      assert(error !== undefined, `it started with ${flag}`);
      this.texts.set(`the errors of gossipcheckd ${flag}`, error);
    }
  }

  /** Ends all, and keeps what they said. */
  async endAll(): Promise<void> {
    for (const { name, pid } of this.nodes) {
      this.texts.set(`the command line of ${name}`, commandLineOf(pid));
    }
    for (const node of this.nodes.toReversed()) await node.leave();
    for (const { name, lines } of this.nodes) {
      this.texts.set(`the log of ${name}`, lines.all.join("\n"));
    }
  }
}

Deno.test({
  name: "no secret is in a log, an error, a result, the process list or another's file",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using fleet = new SecretFleet();
    await fleet.startAll();
    await fleet.runClients();
    await fleet.runMisled();
    await fleet.endAll();
    const { texts, secrets } = fleet;
    assertMatch(texts.get("the log of n1") ?? "", /batch_done/);
    assertMatch(texts.get("the log of stranger") ?? "", /daemon_stopped/);
    assertWithout(secrets, texts);

    const files = filesBelow(fleet.directory);
    const own = new Set([...secrets.map(({ file }) => file), fleet.path("loose")]);
    const others = new Map([...files].filter(([path]) => !own.has(path)));
    for (const name of ["state.db", "audit.log"]) {
      assert([...others.keys()].some((path) => path.endsWith(name)), name);
    }
    assertWithout(secrets, others);

    const [secret] = secrets;
    assert(secret !== undefined);
    for (const spelling of spellings(secret.bytes)) {
      const found = assertThrows(
        () => assertWithout(secrets, new Map([["here", spelling]])),
        Error,
      );
      assertMatch(String(found), /the key of keyring.json stands in here/);
    }
  },
});
