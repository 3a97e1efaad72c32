import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import { CLIENT_FLAGS, flagsOf } from "./client_flags.ts";
import { checkFlagsOf, type ClientFlagSettings } from "./client_settings.ts";
import { COMMANDS } from "./command_table.ts";
import { DAEMON_FLAGS } from "./daemon_flags.ts";
import { integerBetween, LISTEN_ADDRESS } from "./flag_values.ts";
import { type CommandLine, type FlagTable, parseFlags, type SettingsOf } from "./flags.ts";
import { commandHelp, flagTableMarkdown, programHelp } from "./help.ts";

/** The entry of a flag that no program has. */
const MAX_RETRIES = {
  field: "maxRetries",
  value: integerBetween({ least: 0, most: 9 }),
  default: "3",
  meaning: "How often a failed send is repeated.",
} as const;

/** `true` if the types are identical; then a value of `false` does not compile. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;
type Flat<T> = { [Key in keyof T]: T[Key] };

function parsed<T extends FlagTable>(args: readonly string[], flags: T): CommandLine<T> {
  const line = parseFlags(args, flags);
  if (line.request !== undefined) throw new TypeError("the command line asks for help");
  return line;
}

Deno.test("an entry added to the flags of gossipcheckd appears in settings, help and reference", () => {
  const flags = { ...DAEMON_FLAGS, "max-retries": MAX_RETRIES } as const satisfies FlagTable;
  const maxRetries: number = parsed([], flags).settings.maxRetries;
  assertEquals(maxRetries, 3);
  const { settings, given } = parsed(["-max-retries", "5", "-no-cli"], flags);
  assertEquals([settings.maxRetries, settings.clientBind], [5, undefined]);
  assertEquals(given, new Set(["max-retries", "no-cli"] as const));
  for (const text of ["10", "-1", "many", ""]) {
    const error = assertThrows(() => parseFlags([`-max-retries=${text}`], flags), UsageError);
    const shown = JSON.stringify(text);
    assertEquals(error.message, `flag -max-retries: bad number ${shown}: expected 0 to 9`);
    assertEquals(error.exitStatus, 2);
  }
  assertThrows(
    () => parseFlags(["-max-retrys=1"], flags),
    UsageError,
    "unknown flag -max-retrys: the nearest known one is -max-retries",
  );
  const help = programHelp(flags, { summary: "", usage: "gossipcheckd [flags]" });
  const unfolded = help.replace(/\s+/g, " ");
  assertStringIncludes(
    unfolded,
    "-max-retries N How often a failed send is repeated. Range: 0 to 9. Default: 3.",
  );
  const row = flagTableMarkdown(flags).split("\n").find((line) => line.includes("-max-retries"));
  assertEquals(
    row?.replace(/ +/g, " "),
    "| `-max-retries N` | `3` | How often a failed send is repeated. Range: 0 to 9. |",
  );
});

Deno.test("an entry added to the flags of gcheck belongs to the commands that it names", () => {
  const flags = {
    ...CLIENT_FLAGS,
    "max-retries": { ...MAX_RETRIES, commands: ["check"] },
  } as const;
  const { settings, given } = parsed(["check", "-max-retries=4"], flags);
  const common: ClientFlagSettings = settings;
  assertEquals([settings.maxRetries, common.output], [4, "text"]);
  checkFlagsOf("check", { given, flags });
  assertThrows(
    () => checkFlagsOf("results", { given, flags }),
    UsageError,
    "flag -max-retries does not apply to results: leave it out",
  );
  const helpOf = (name: "check" | "results") =>
    commandHelp(flagsOf(name, flags), { name, command: COMMANDS[name] });
  assertStringIncludes(helpOf("check"), "\n  -max-retries N ");
  assertEquals(helpOf("results").includes("-max-retries"), false);
  assertStringIncludes(flagTableMarkdown(flags), "| `-max-retries N` ");
});

Deno.test("the type of the settings follows from the entries", () => {
  const flags = {
    retries: MAX_RETRIES,
    file: { field: "file", value: { placeholder: "FILE", parse: String }, unset: "", meaning: "" },
    bind: { field: "bind", value: LISTEN_ADDRESS, default: ":1", meaning: "" },
    "no-bind": { field: "bind", on: undefined, meaning: "" },
    "no-wait": { field: "wait", on: false, off: true, meaning: "" },
    insecure: { field: "insecure", on: true, meaning: "" },
  } as const satisfies FlagTable;
  interface Expected {
    readonly maxRetries: number;
    readonly file?: string;
    readonly bind: { readonly hostname: string; readonly port: number } | undefined;
    readonly wait: boolean;
    readonly insecure?: boolean;
  }
  const isSame: Same<Flat<SettingsOf<typeof flags>>, Flat<Expected>> = true;
  assertEquals(isSame, true);
  const defaults = { maxRetries: 3, bind: { hostname: "", port: 1 }, wait: true };
  const cases: [string[], Expected][] = [
    [[], defaults],
    [["-no-bind", "-no-wait"], { ...defaults, bind: undefined, wait: false }],
    [["-insecure", "-file", "-"], { ...defaults, insecure: true, file: "-" }],
    [["-insecure", "-no-bind=false", "-insecure=F"], defaults],
  ];
  for (const [args, expected] of cases) assertEquals(parsed(args, flags).settings, expected);
});

Deno.test("a parser is given the settings of the flags above its own", () => {
  const flags = {
    base: {
      field: "base",
      value: integerBetween({ least: 0, most: 9 }),
      default: "1",
      meaning: "",
    },
    sum: {
      field: "sum",
      value: {
        placeholder: "N",
        parse: (text: string, { base }: { readonly base: number }) => base + Number(text),
      },
      default: "1",
      meaning: "",
    },
  } as const satisfies FlagTable;
  assertEquals(parsed(["-sum=5", "-base=2"], flags).settings, { base: 2, sum: 7 });
  assertEquals(parsed([], flags).settings, { base: 1, sum: 2 });
});

Deno.test("the first error of a command line is reported", () => {
  const flags = { retries: MAX_RETRIES } as const satisfies FlagTable;
  const cases: [string[], string][] = [
    [["-retires", "-retries"], "unknown flag -retires"],
    [["-retries", "-retires"], 'flag -retries: bad number "-retires"'],
    [["-retries", "-h"], "flag -retries needs a value: -retries N"],
    [["-=1", "-retries"], 'bad flag "-=1": expected -name or -name=value'],
  ];
  for (const [args, expected] of cases) {
    assertStringIncludes(assertThrows(() => parseFlags(args, flags), UsageError).message, expected);
  }
});
