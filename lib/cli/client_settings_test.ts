import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { CLIENT_FLAGS } from "./client_flags.ts";
import { type ClientSettings, parseClientArguments } from "./client_settings.ts";

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

/** Command lines and the settings that differ from the defaults. */
const GOOD: readonly [string[], Partial<ClientSettings>][] = [
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
  [["keys", "use", "abc", "-key-file", "-"], {
    ...{ command: "keys", argument: "use", secondArgument: "abc", keyFile: "-" },
  }],
  [["validate", "-file=f", "-server", "h:1", "-timeout", "1s", "-token-file", "t"], {
    ...{ command: "validate", file: "f", timeoutMs: 1_000, tokenFile: "t" },
    server: { hostname: "h", port: 1 },
  }],
  [["-file=f", "check", "-expires=never"], { ...CHECK, expiresInMs: 0 }],
  [["-file=f", "check", "-expires=1m30s"], { ...CHECK, expiresInMs: 90_000 }],
];

Deno.test("flags of gcheck are accepted before and after the command", () => {
  for (const [args, expected] of GOOD) {
    assertEquals(parseClientArguments(args), { ...CLIENT_DEFAULTS, ...expected }, args.join(" "));
  }
  const tried = GOOD.flatMap(([args]) => args).join(" ");
  for (const name of Object.keys(CLIENT_FLAGS)) {
    assertMatch(tried, new RegExp(`(^| )--?${name}\\b`));
  }
});

Deno.test("an error in gcheck's command line is one line that names the flag, with status 2", () => {
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
    [["list-members", "-no-wait"], "flag -no-wait does not apply to list-members"],
    [["results", "-file", "f"], "flag -file does not apply to results"],
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
    [["check", "-file=f", "-max-failures", "1"], "-max-failures needs -batch-size: give both"],
    [["check", "-file=f", "-batch-size=1", "-max-failures=1%"], "flag -max-failures: bad number"],
    [["check", "-file=f", "-expires", "0"], "flag -expires: 0 is out of range"],
    [["check", "-file=f", "-expires", "ever"], 'flag -expires: bad duration "ever"'],
    [["check", "-file=f", "-sign"], "flag -sign needs a value: -sign KEYFILE"],
    [["check", "-file=f", "-sign="], "flag -sign: no path"],
    [["results", "-sign", "k"], "flag -sign does not apply to results"],
    [["check", "-file=f", "-out", "k"], "flag -out does not apply to check"],
    [["keygen", "-sign", "k"], 'unexpected argument "k" after keygen'],
    [["keygen", "-name", "ada"], "flag -name needs -sign"],
    [["keygen", "-sign", "-name", "ada lovelace"], 'flag -name: bad name "ada lovelace"'],
    [["keygen", "-sign", "-name", "#ada"], 'flag -name: bad name "#ada"'],
    [["keygen", "-file", "f"], "flag -file does not apply to keygen"],
    [["results", "-limit", "1"], "flag -limit does not apply to results"],
    [["local-check", "-file=f", "-target", "a=b"], "flag -target does not apply to local-check"],
    [["help", "chek"], 'unknown command "chek"'],
  ];
  for (const [args, expected] of cases) {
    const error = assertThrows(() => parseClientArguments(args), UsageError);
    assertStringIncludes(error.message, expected);
    assertEquals(error.message.split("\n").length, 1);
    assertEquals(error.exitStatus, 2);
  }
});
