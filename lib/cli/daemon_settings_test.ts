import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { DAEMON_FLAGS } from "./daemon_flags.ts";
import { type DaemonSettings, parseDaemonArguments } from "./daemon_settings.ts";

const DAEMON_DEFAULTS: DaemonSettings = {
  bind: { hostname: "", port: 3505 },
  clientBind: { hostname: "127.0.0.1", port: 5924 },
  gossipGroup: 5,
  peers: [],
  plaintext: "refuse",
  label: "",
  tags: new Map(),
  advertiseIntervalMs: 20_000,
  logLevel: "info",
  logFormat: "text",
};

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
    [["-label", "blue"], { label: "blue" }],
    [["-encrypt", "k=="], { encryptionKey: "k==" }],
    [["-keyring-file", "k"], { keyringFile: "k" }],
    [["-encrypt", "k", "-plaintext", "send"], { encryptionKey: "k", plaintext: "send" }],
    [["-plaintext", "accept", "-keyring-file=k"], { keyringFile: "k", plaintext: "accept" }],
    [["-token-file", "t"], { tokenFile: "t" }],
    [["-insecure"], { insecure: true }],
    [["-insecure=false", "-no-actions=f", "-allow-actions", "a"], { allowActionsFile: "a" }],
    [["-no-cli=false", "-cli-bind", ":1"], { clientBind: { hostname: "", port: 1 } }],
    [["-trusted-keys", "k"], { trustedKeysFile: "k" }],
    [["-no-actions"], { noActions: true }],
    [["-checks", "file_exists, http"], { checkTypes: ["file_exists", "http"] }],
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
  const tried = cases.flatMap(([args]) => args).join(" ");
  for (const name of Object.keys(DAEMON_FLAGS)) assertMatch(tried, new RegExp(`(^| )-${name}\\b`));
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

Deno.test("an error in the daemon's command line is one line that names the flag, with status 2", () => {
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
    [["-peers", ":7"], 'flag -peers: ":7" has no host: expected host:port'],
    [["-bind", ":0", "-peers", "a"], 'flag -peers: "a" has no port, and -bind has none to use'],
    [["-peers", "a:0"], 'flag -peers: "a:0" has no port'],
    [["-name", ""], "flag -name:"],
    [["-name", "a\nb"], "flag -name:"],
    [["-name", "é".repeat(128)], "flag -name: the name is 256 bytes long; maximum 255"],
    [["-tags", "role"], 'flag -tags: bad tag "role"'],
    [["-tags", "=x"], "flag -tags: bad tag"],
    [["-tags", "a=1,a=2"], 'flag -tags: tag "a" is given twice'],
    [["-advertise-interval", "20"], 'flag -advertise-interval: bad duration "20"'],
    [["-advertise-interval", "-5s"], 'flag -advertise-interval: bad duration "-5s"'],
    [["-advertise-interval", "1ms"], "flag -advertise-interval: 1ms is out of range"],
    [["-state-dir", ""], "flag -state-dir: no path: expected a directory, or none"],
    [["-keyring-file", "-"], 'flag -keyring-file: bad path "-": expected a file'],
    [["-encrypt="], "flag -encrypt: the value is empty"],
    [["-checks", ","], "flag -checks: the list is empty"],
    [["-label", "x".repeat(256)], "flag -label: the label is 256 bytes long; maximum 255"],
    [["-max-parallel", "0"], 'flag -max-parallel: bad number "0": expected 1 to 10000'],
    [["-log-level", "loud"], 'flag -log-level: bad value "loud"'],
    [["-no-cli=maybe"], 'flag -no-cli: bad value "maybe"'],
    [["-help=maybe"], 'flag -help: bad value "maybe"'],
    [["-no-cli", "-cli-bind", ":1"], "flags -no-cli and -cli-bind contradict each other"],
    [["-no-cli", "-token-file", "t"], "flags -no-cli and -token-file contradict each other"],
    [["-encrypt=k", "-keyring-file=k"], "flags -encrypt and -keyring-file contradict each other"],
    [["-plaintext=accept"], "flag -plaintext: accept needs a cluster key: give -keyring-file"],
    [["-plaintext=both", "-encrypt=k"], 'flag -plaintext: bad value "both"'],
    [["-no-actions", "-allow-actions=a"], "flags -no-actions and -allow-actions contradict"],
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
