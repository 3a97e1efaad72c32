import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { type ClientSettings, parseClientArguments } from "./client_settings.ts";
import { type DaemonSettings, parseDaemonArguments } from "./daemon_settings.ts";
import {
  CLIENT_FLAGS,
  commandReferenceMarkdown,
  DAEMON_FLAGS,
  flagTableMarkdown,
} from "./settings.ts";

const DAEMON_DEFAULTS: DaemonSettings = {
  bind: { hostname: "", port: 3505 },
  clientBind: { hostname: "127.0.0.1", port: 5924 },
  gossipGroup: 5,
  peers: [],
  name: undefined,
  label: "",
  tags: new Map(),
  advertiseIntervalMs: 20_000,
  logLevel: "info",
  logFormat: "text",
};

const CLIENT_DEFAULTS: ClientSettings = {
  command: "list-members",
  server: { hostname: "127.0.0.1", port: 5924 },
  timeoutMs: 30_000,
  wait: true,
  output: "text",
  target: {},
  expiresInMs: 3_600_000,
  signerName: "operator",
};

const CHECK: Partial<ClientSettings> = { command: "check", file: "f" };

Deno.test("each flag of gossipcheckd gives its setting; the others keep their defaults", () => {
  const cases: [string[], Partial<DaemonSettings>][] = [
    [[], {}],
    [["-bind", "[::1]:2000"], { bind: { hostname: "::1", port: 2000 } }],
    [["-advertise", "node1:9"], { advertise: { hostname: "node1", port: 9 } }],
    [["-cli-bind", ":1"], { clientBind: { hostname: "", port: 1 } }],
    [["-no-cli"], { clientBind: undefined }],
    [["-no-cli=true"], { clientBind: undefined }],
    [["-no-cli=0"], {}],
    [["-no-cli", "-no-cli=false"], {}],
    [["-gossip-group", "1"], { gossipGroup: 1 }],
    [["-peers", ""], {}],
    [["-name", "web 1"], { name: "web 1" }],
    [["-name", "-dash"], { name: "-dash" }],
    [["-tags", "role=web, note=a=b,empty="], {
      tags: new Map([["role", "web"], ["note", "a=b"], ["empty", ""]]),
    }],
    [["-advertise-interval", "1m30s"], { advertiseIntervalMs: 90_000 }],
    [["-state-dir", "none"], { stateDirectory: "none" }],
    [["-state-dir=/srv/x"], { stateDirectory: "/srv/x" }],
    [["-max-parallel", "7"], { maxParallel: 7 }],
    [["-log-level", "debug"], { logLevel: "debug" }],
    [["-log-format", "json"], { logFormat: "json" }],
    [["-bind", ":1", "-bind", ":2"], { bind: { hostname: "", port: 2 } }],
    [["-bind", "h:2000", "-peers", "a,b:1,::1,[::2],[::3]:4"], {
      bind: { hostname: "h", port: 2000 },
      peers: [
        { hostname: "a", port: 2000 },
        { hostname: "b", port: 1 },
        { hostname: "::1", port: 2000 },
        { hostname: "::2", port: 2000 },
        { hostname: "::3", port: 4 },
      ],
    }],
    [["--"], {}],
  ];
  for (const [args, expected] of cases) {
    assertEquals(parseDaemonArguments(args), { ...DAEMON_DEFAULTS, ...expected }, args.join(" "));
  }
});

Deno.test("Go's four spellings mean the same", () => {
  for (const args of [["-bind", ":1"], ["-bind=:1"], ["--bind", ":1"], ["--bind=:1"]]) {
    const expected = { ...DAEMON_DEFAULTS, bind: { hostname: "", port: 1 } };
    assertEquals(parseDaemonArguments(args), expected);
  }
  for (const args of [["-no-cli"], ["--no-cli"], ["-no-cli=1"], ["--no-cli=T"]]) {
    assertEquals(parseDaemonArguments(args), { ...DAEMON_DEFAULTS, clientBind: undefined });
  }
});

Deno.test("what is wrong with a daemon's command line is one line that names it", () => {
  const cases: [string[], string][] = [
    [["-bnd", ":1"], "unknown flag -bnd: the nearest known one is -bind"],
    [["--no-cly"], "unknown flag -no-cly: the nearest known one is -no-cli"],
    [["-abc"], "unknown flag -abc"],
    [["-__proto__=1"], "unknown flag -__proto__"],
    [["-constructor"], "unknown flag -constructor"],
    [["-bind"], "flag -bind needs a value: -bind HOST:PORT"],
    [["-bind", "-no-cli"], "flag -bind needs a value"],
    [["-bind", "--"], "flag -bind needs a value"],
    [["-bind="], 'flag -bind: bad address ""'],
    [["-bind", "host"], 'flag -bind: bad address "host"'],
    [["-bind", "host:99999"], 'flag -bind: bad address "host:99999"'],
    [["-advertise", ":1"], "flag -advertise:"],
    [["-advertise", "0.0.0.0:1"], "flag -advertise:"],
    [["-advertise", "h:0"], "flag -advertise:"],
    [["-gossip-group", "0"], 'flag -gossip-group: bad number "0": expected 1 to 1000'],
    [["-gossip-group", "5.5"], "flag -gossip-group: bad number"],
    [["-peers", "a:b:c"], "flag -peers: bad address"],
    [["-peers", ":7"], "flag -peers:"],
    [["-bind", ":0", "-peers", "a"], "flag -peers:"],
    [["-name", ""], "flag -name:"],
    [["-name", "a\nb"], "flag -name:"],
    [["-name", "é".repeat(128)], "flag -name: a name of 256 bytes"],
    [["-tags", "role"], 'flag -tags: bad tag "role"'],
    [["-tags", "=x"], "flag -tags: bad tag"],
    [["-tags", "a=1,a=2"], 'flag -tags: tag "a" is given twice'],
    [["-advertise-interval", "20"], 'flag -advertise-interval: bad duration "20"'],
    [["-advertise-interval", "-5s"], 'flag -advertise-interval: bad duration "-5s"'],
    [["-advertise-interval", "1ms"], "flag -advertise-interval: 1ms is out of range"],
    [["-state-dir", ""], "flag -state-dir: no path: expected a directory, or none"],
    [["-max-parallel", "0"], 'flag -max-parallel: bad number "0": expected 1 to 10000'],
    [["-log-level", "loud"], 'flag -log-level: bad value "loud"'],
    [["-no-cli=maybe"], 'flag -no-cli: bad value "maybe"'],
    [["-help=maybe"], 'flag -help: bad value "maybe"'],
    [["-no-cli", "-cli-bind", ":1"], "-no-cli and -cli-bind contradict"],
    [["check"], 'unexpected argument "check"'],
    [["--", "-bind"], 'unexpected argument "-bind"'],
    [["-"], 'unexpected argument "-"'],
    [["-=x"], 'bad flag "-=x"'],
    [["---bind=x"], 'bad flag "---bind=x"'],
  ];
  for (const [args, expected] of cases) {
    const error = assertThrows(() => parseDaemonArguments(args), UsageError);
    assertStringIncludes(error.message, expected);
    assertEquals(error.message.split("\n").length, 1);
    assertEquals(error.exitStatus, 2);
  }
});

Deno.test("flags of gcheck stand before or after its command", () => {
  const cases: [string[], Partial<ClientSettings>][] = [
    [["list-members"], {}],
    [["-server", "[::1]:9", "list-members"], { server: { hostname: "::1", port: 9 } }],
    [["list-members", "--output=jsonl"], { output: "jsonl" }],
    [["-file=f.json", "check"], { command: "check", file: "f.json" }],
    [["check", "-file", "-", "-no-wait"], { command: "check", file: "-", wait: false }],
    [["-timeout", "500ms", "results", "01J"], {
      command: "results",
      argument: "01J",
      timeoutMs: 500,
    }],
    [["results", "--", "-x"], { command: "results", argument: "-x" }],
    [["local-check", "-file", "-odd-name"], { command: "local-check", file: "-odd-name" }],
    [["validate", "-file", "007"], { command: "validate", file: "007" }],
    [["results", "1e3"], { command: "results", argument: "1e3" }],
    [["cancel", "01j"], { command: "cancel", argument: "01j" }],
    [["-file=f", "check", "-target", "role=web,zone!=b", "-nodes", "a,'web-*'"], {
      ...CHECK,
      target: {
        tags: [
          { key: "role", equal: true, value: "web" },
          { key: "zone", equal: false, value: "b" },
        ],
        nodes: ["a", "web-*"],
      },
    }],
    [["-file=f", "check", "-limit=10"], { ...CHECK, limit: { type: "count", count: 10 } }],
    [["-file=f", "check", "-limit=2.5%"], { ...CHECK, limit: { type: "percent", percent: 2.5 } }],
    [["-file=f", "check", "-batch-size=10%"], {
      ...CHECK,
      rollout: { size: { type: "percent", percent: 10 }, maxFailures: 0 },
    }],
    [["-file=f", "check", "-batch-size", "3", "-max-failures", "2"], {
      ...CHECK,
      rollout: { size: { type: "count", count: 3 }, maxFailures: 2 },
    }],
    [["-file=f", "check", "-sign", "k", "-token-file=t"], {
      ...CHECK,
      signKeyFile: "k",
      tokenFile: "t",
    }],
    [["-sign=keygen", "-file=f", "check"], { ...CHECK, signKeyFile: "keygen" }],
    [["keygen"], { command: "keygen" }],
    [["keygen", "-out", "k"], { command: "keygen", outFile: "k" }],
    [["keygen", "-sign", "-out", "k", "-name=ada"], {
      ...{ command: "keygen", signKeyFile: "", outFile: "k", signerName: "ada" },
    }],
    [["-sign", "keygen"], { command: "keygen", signKeyFile: "" }],
    [["keygen", "-sign=false"], { command: "keygen" }],
    [["-file=f", "check", "-expires=never"], { ...CHECK, expiresInMs: 0 }],
    [["-file=f", "check", "-expires=1m30s"], { ...CHECK, expiresInMs: 90_000 }],
  ];
  for (const [args, expected] of cases) {
    assertEquals(parseClientArguments(args), { ...CLIENT_DEFAULTS, ...expected }, args.join(" "));
  }
});

Deno.test("what is wrong with gcheck's command line is one line that names it", () => {
  const cases: [string[], string][] = [
    [[], "no command given: expected check,"],
    [["chek"], 'unknown command "chek": the nearest known one is check'],
    [["toString"], 'unknown command "toString"'],
    [["check"], "command check needs checks: give -file FILE"],
    [["check", "-file"], "flag -file needs a value: -file FILE"],
    [["check", "-file", "-output", "json"], "flag -file needs a value"],
    [["check", "-file="], "flag -file: no path"],
    [["check", "-file", "f", "extra"], 'unexpected argument "extra" after check'],
    [["results", "a", "b"], 'unexpected argument "b" after results'],
    [["list-members", "-no-wait"], "flag -no-wait means nothing to list-members"],
    [["results", "-file", "f"], "flag -file means nothing to results"],
    [["list-members", "-output", "xml"], 'bad value "xml": expected text, json, jsonl'],
    [["list-members", "-timeout", "0"], "flag -timeout: 0 is out of range"],
    [["list-members", "-timeout", "soon"], 'flag -timeout: bad duration "soon"'],
    [["list-members", "-server", "5924"], 'flag -server: bad address "5924"'],
    [["list-members", "-sever", "a:1"], "unknown flag -sever: the nearest known one is -server"],
    [["cancel"], "command cancel needs ID: stop a batch on every node"],
    [["cancel", ""], "command cancel needs ID"],
    [["cancel", "a", "b"], 'unexpected argument "b" after cancel'],
    [["check", "-file=f", "-target", "role"], 'flag -target: "role" in the target'],
    [["check", "-file=f", "-target="], 'flag -target: ""'],
    [["check", "-file=f", "-target", `role=${"x".repeat(513)}`], "flag -target: a condition"],
    [["check", "-file=f", "-nodes", "a,,b"], "flag -nodes: the node list"],
    [["check", "-file=f", "-limit", "0"], 'flag -limit: "0" is no amount'],
    [["check", "-file=f", "-limit", "101%"], 'flag -limit: "101%" is no amount'],
    [["check", "-file=f", "-batch-size", "half"], 'flag -batch-size: "half" is no amount'],
    [["check", "-file=f", "-max-failures", "1"], "-max-failures means nothing without -batch-size"],
    [["check", "-file=f", "-batch-size=1", "-max-failures=1%"], "flag -max-failures: bad number"],
    [["check", "-file=f", "-expires", "0"], "flag -expires: 0 is out of range"],
    [["check", "-file=f", "-expires", "ever"], 'flag -expires: bad duration "ever"'],
    [["check", "-file=f", "-sign"], "flag -sign needs a value: -sign KEYFILE"],
    [["check", "-file=f", "-sign="], "flag -sign: no path"],
    [["results", "-sign", "k"], "flag -sign means nothing to results"],
    [["check", "-file=f", "-out", "k"], "flag -out means nothing to check"],
    [["keygen", "-sign", "k"], 'unexpected argument "k" after keygen'],
    [["keygen", "-name", "ada"], "flag -name means nothing without -sign"],
    [["keygen", "-sign", "-name", "ada lovelace"], 'flag -name: bad name "ada lovelace"'],
    [["keygen", "-sign", "-name", "#ada"], 'flag -name: bad name "#ada"'],
    [["keygen", "-file", "f"], "flag -file means nothing to keygen"],
    [["results", "-limit", "1"], "flag -limit means nothing to results"],
    [["local-check", "-file=f", "-target", "a=b"], "flag -target means nothing to local-check"],
    [["help", "chek"], 'unknown command "chek"'],
  ];
  for (const [args, expected] of cases) {
    const error = assertThrows(() => parseClientArguments(args), UsageError);
    assertStringIncludes(error.message, expected);
    assertEquals(error.message.split("\n").length, 1);
  }
});

Deno.test("help and version are asked for in every usual way", () => {
  for (const args of [["-h"], ["-help"], ["--help"], ["-bind", ":1", "-h"]]) {
    const asked = parseDaemonArguments(args);
    assert("help" in asked);
    for (const name of Object.keys(DAEMON_FLAGS.flags)) {
      assertStringIncludes(asked.help, `  -${name}`);
    }
    assert(asked.help.split("\n").every((line) => line.length <= 80), "wider than 80 columns");
  }
  for (const args of [["-h"], ["help"], ["--help"]]) {
    const asked = parseClientArguments(args);
    assert("help" in asked);
    for (const name of Object.keys(CLIENT_FLAGS.flags)) {
      assertStringIncludes(asked.help, `  -${name}`);
    }
    assertStringIncludes(asked.help, "\n  list-members ");
  }
  for (const args of [["help", "results"], ["results", "-h"], ["-help", "results"]]) {
    const asked = parseClientArguments(args);
    assert("help" in asked);
    assertStringIncludes(asked.help, "Usage: gcheck [flags] results [ID]");
  }
  for (const args of [["version"], ["-version"], ["--version"]]) {
    assertEquals(parseClientArguments(args), { help: `gcheck ${VERSION}\n` });
  }
  assertEquals(parseDaemonArguments(["-version"]), { help: `gossipcheckd ${VERSION}\n` });
  assertEquals(parseDaemonArguments(["-h=false"]), DAEMON_DEFAULTS);
});

Deno.test("the reference has a row for every flag and command", () => {
  for (
    const [program, flags] of [["gossipcheckd", DAEMON_FLAGS], ["gcheck", CLIENT_FLAGS]] as const
  ) {
    const rows = flagTableMarkdown(program).trimEnd().split("\n");
    assertEquals(rows.length, Object.keys(flags.flags).length + 2);
    assertEquals(new Set(rows.map((row) => row.length)).size, 1, "columns are not aligned");
    for (const name of Object.keys(flags.flags)) {
      assert(rows.some((row) => row.startsWith(`| \`-${name}`)), name);
    }
  }
  assertStringIncludes(commandReferenceMarkdown(), "| `results [ID]` ");
});

Deno.test("the version is that of deno.json", () => {
  const url = new URL("../../deno.json", import.meta.url);
  assertEquals(VERSION, JSON.parse(Deno.readTextFileSync(url)).version);
});
