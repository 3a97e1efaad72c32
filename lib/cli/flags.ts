/**
 * Tables of flags and what reads them: one entry a flag, from which parsing, help and the
 * reference are made. Each long flag has Go's four spellings: `-bind X`, `-bind=X`, `--bind X` and
 * `--bind=X`. Where a flag is given twice, the last one counts, as in Go.
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { GossipcheckError, UsageError } from "../errors.ts";
import { closestString } from "../std/closest_string.ts";

/** One flag. */
export interface Flag<T> {
  /** What stands for its value in help, as in `HOST:PORT`; absent where it is a switch. */
  readonly placeholder?: string;
  /** What it does, one or two sentences without the default. */
  readonly meaning: string;
  /** What a higher and a lower value cost, where it is a number. */
  readonly tradeOff?: string;
  /** The least and the most, where it has any, as a user would type them. */
  readonly range?: string;
  /** The default as a user would type it, or a phrase that says where it comes from. */
  readonly defaultText: string;
  /** The value where the flag is not given. */
  readonly fallback: T;
  /** The value of what was typed. Raises a `GossipcheckError` that says what was expected. */
  readonly read: (text: string) => T;
}

/** The flags of one program by name; `V` holds the types of their values. */
export type FlagTable<V> = { readonly [K in keyof V & string]: Flag<V[K]> };

/** A program and its flags. */
export interface ProgramFlags<V> {
  /** What people type to run it. */
  readonly program: string;
  /** Its flags, in the order of help and reference; `help` and `version` are understood beside them. */
  readonly flags: FlagTable<V>;
}

/** What a command line says. */
export interface ParsedFlags<V> {
  /** Every flag's value, given or not. */
  readonly values: V;
  /** Which flags were given. */
  readonly given: ReadonlySet<string>;
  /** What is no flag, in order. */
  readonly positional: readonly string[];
  /** Set where help or the version was asked for; the values are then all defaults. */
  readonly asked?: "help" | "version";
}

const ASKING: readonly string[] = ["h", "help", "version"];

/**
 * Reads `args` by the table. Raises `UsageError`, one line that names the flag: unknown (with the
 * nearest known one), without its value, or with a bad one.
 */
export function parseFlags<V extends object>(
  args: readonly string[],
  program: ProgramFlags<V>,
): ParsedFlags<V> {
  const names = Object.keys(program.flags) as (keyof V & string)[];
  const known = [...names, ...ASKING];
  const parsed = parseArgs(spell(args, program), {
    string: [...known, "_"],
    unknown: (_argument, name) => {
      if (name === undefined) return true;
      throw unknownFlag(name, [...names, "help", "version"]);
    },
  });
  const positional = parsed._.map(String);
  const asked = ASKING.find((name) => parsed[name] !== undefined && readSwitch(parsed, name));
  const given = new Set<string>();
  const values: Partial<V> = {};
  for (const name of names) {
    const text = parsed[name];
    if (asked !== undefined || typeof text !== "string") {
      values[name] = program.flags[name].fallback;
      continue;
    }
    given.add(name);
    values[name] = readValue(name, { flag: program.flags[name], text });
  }
  return {
    values: values as V,
    given,
    positional,
    ...(asked === undefined ? {} : { asked: asked === "version" ? "version" : "help" }),
  };
}

/** What is no flag, in order; values are not looked at. Raises `UsageError` on what is no flag either. */
export function positionalArguments<V>(
  args: readonly string[],
  program: ProgramFlags<V>,
): readonly string[] {
  return parseArgs(spell(args, program), { string: ["_"] })._.map(String);
}

/** A switch's value, in the words that Go takes. */
export function readBoolean(text: string): boolean {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new UsageError(`bad value ${JSON.stringify(text)}: expected true or false`);
}

/** Brings every spelling to `--name=value`, which `parseArgs` reads without guessing. */
function spell<V>(args: readonly string[], program: ProgramFlags<V>): string[] {
  const flags: Readonly<Record<string, Flag<unknown>>> = program.flags;
  const spelled: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (argument === "--") return [...spelled, ...args.slice(index)];
    if (argument === "-" || !argument.startsWith("-")) {
      spelled.push(argument);
      continue;
    }
    const [, name, value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) {
      throw new UsageError(`bad flag ${JSON.stringify(argument)}: expected -name or -name=value`);
    }
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (value !== undefined) spelled.push(oneWord(name, value));
    else if (flag?.placeholder === undefined) spelled.push(oneWord(name, "true"));
    else {
      const next = args[++index];
      // A value may begin with a dash ("-file -"); one that is a flag of ours was meant as the flag.
      if (next === undefined || isFlag(next, flags)) {
        throw new UsageError(`flag -${name} needs a value: -${name} ${flag.placeholder}`);
      }
      spelled.push(oneWord(name, next));
    }
  }
  return spelled;
}

/** `parseArgs` takes one "no-" off a name that has a value, so a name that begins so gets two. */
function oneWord(name: string, value: string): string {
  return name.startsWith("no-") ? `--no-${name}=${value}` : `--${name}=${value}`;
}

function isFlag(argument: string, flags: Readonly<Record<string, unknown>>): boolean {
  const [, name = ""] = /^--?([^=]+)/s.exec(argument) ?? [];
  return argument === "--" || Object.hasOwn(flags, name) || ASKING.includes(name);
}

function readValue<T>(name: string, options: { flag: Flag<T>; text: string }): T {
  try {
    return options.flag.read(options.text);
  } catch (error) {
    if (!(error instanceof GossipcheckError)) throw error;
    throw new UsageError(`flag -${name}: ${error.message}`, { cause: error });
  }
}

function readSwitch(parsed: Readonly<Record<string, unknown>>, name: string): boolean {
  const text = parsed[name];
  const flag: Flag<boolean> = {
    meaning: "",
    defaultText: "off",
    fallback: false,
    read: readBoolean,
  };
  return readValue(name, { flag, text: String(text) });
}

function unknownFlag(name: string, known: readonly string[]): UsageError {
  const nearest = closestString(name, known);
  return new UsageError(`unknown flag -${name}: the nearest known one is -${nearest}`);
}
