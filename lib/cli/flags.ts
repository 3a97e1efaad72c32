/**
 * Command-line flags as tables with one entry for each flag. From a table come the type of the
 * settings (`SettingsOf`), the parsing of a command line (`parseFlags`), and the help and the
 * README's reference (`help.ts`).
 *
 * The syntax is that of Go's `flag` package: `-bind X`, `-bind=X`, `--bind X` and `--bind=X` mean
 * the same, a switch takes its value only after `=`, the last of several wins, and `--` ends the
 * flags. Unlike in Go, flags may also follow arguments. `parseArgs` of `@std/cli` does not fit: it
 * takes `-bind` for four flags of one letter, refuses a value that begins with a dash, and reads
 * `--no-cli=true` as a value of `cli`.
 *
 * @example
 * ```ts ignore
 * const FLAGS = {
 *   retries: {
 *     field: "maxRetries",
 *     value: integerBetween({ least: 0, most: 9 }),
 *     default: "3",
 *     meaning: "How often a failed send is repeated.",
 *   },
 *   quiet: { field: "isQuiet", on: true, meaning: "Print nothing." },
 * } as const satisfies FlagTable;
 *
 * type Settings = SettingsOf<typeof FLAGS>; // { maxRetries: number; isQuiet?: boolean }
 * parseFlags(["-retries", "5", "now"], FLAGS);
 * // { settings: { maxRetries: 5 }, given: Set { "retries" }, positional: ["now"] }
 * ```
 * @module
 */
import { closestString } from "@std/text/closest-string";
import { UsageError } from "../errors.ts";
import { inFlag } from "../flag_errors.ts";

/** A kind of value that a flag takes: how it is typed and how it is parsed. */
export interface ValueKind<T> {
  /** The placeholder for the value in help, such as `HOST:PORT`. */
  readonly placeholder: string;
  /** Minimum and maximum, as a user types them, such as `1 to 1000`. */
  readonly range?: string;
  /**
   * Parses what was typed. `earlier` holds the settings of the flags above this one in the table.
   * Raises `UsageError` or `AddressError` that says what was expected, without the flag's name.
   */
  readonly parse: (text: string, earlier: never) => T;
}

/** The properties that all entries of a flag table have. */
export interface FlagText {
  /** The field of the settings that the flag fills. */
  readonly field: string;
  /** What the flag does, one or two sentences without its default. */
  readonly meaning: string;
  /** What a higher and a lower value cost. */
  readonly tradeOff?: string;
}

/** A flag that takes a value. */
export interface ValueFlag extends FlagText {
  readonly value: ValueKind<unknown>;
}

/** A flag whose field is always present. */
export interface DefaultedFlag extends ValueFlag {
  /**
   * The default as a user would type it: it is parsed like any value. Help shows `""` as "none".
   */
  readonly default: string;
}

/** A flag whose field is absent unless the flag is given. */
export interface OptionalFlag extends ValueFlag {
  /** What applies if it is not given, a phrase for help. */
  readonly unset: string;
}

/** A flag without a value, or with `=true` or `=false`. */
export interface Switch extends FlagText {
  /** What the field holds if the switch is on. */
  readonly on: unknown;
  /** What the field holds otherwise, of the same type; without it, the field is left alone. */
  readonly off?: unknown;
}

/** One entry of a flag table. */
export type Flag = DefaultedFlag | OptionalFlag | Switch;

/** The flags of a program by name, in the order of help; `help`, `h` and `version` are built in. */
export type FlagTable = Readonly<Record<string, Flag>>;

/**
 * The settings that the flags of a table fill: one field for each `field` of an entry. A field is
 * optional if no entry for it has a default; if several fill it, it has the union of their types.
 */
export type SettingsOf<T extends FlagTable> =
  & { readonly [Field in PresentField<T>]: FlagValue<EntryOf<T, Field>> }
  & {
    readonly [Field in Exclude<T[keyof T]["field"], PresentField<T>>]?: FlagValue<
      EntryOf<T, Field>
    >;
  };

/** The names of the fields that are present for every command line. */
export type PresentField<T extends FlagTable> = Extract<
  T[keyof T],
  { readonly default: string } | { readonly off: unknown }
>["field"];

/** The entries that fill a field. */
export type EntryOf<T extends FlagTable, Field> = Extract<T[keyof T], { readonly field: Field }>;

/** The type that an entry gives its field; `true` or `false` of a switch counts as `boolean`. */
export type FlagValue<F> = F extends { readonly value: ValueKind<infer V> } ? V
  : F extends { readonly on: infer On } ? On extends boolean ? boolean : On
  : never;

/** A parsed command line. */
export interface CommandLine<T extends FlagTable> {
  /** Always absent: the command line does not ask for help. */
  readonly request?: undefined;
  readonly settings: SettingsOf<T>;
  /** The flags that were given. */
  readonly given: ReadonlySet<keyof T>;
  /** The arguments that are no flags, in order. */
  readonly positional: readonly string[];
}

/**
 * A command line that asks for help or the version; the values of its other flags are not parsed.
 */
export interface TextRequest {
  readonly request: "help" | "version";
  /** The arguments that are no flags, in order. */
  readonly positional: readonly string[];
}

/** The flags that every program has. */
const BUILT_IN: readonly string[] = ["h", "help", "version"];

/**
 * Parses a command line. Raises `UsageError`, one line that names the flag: an unknown one (with
 * the nearest known one), one without its value, or one with a bad value.
 */
export function parseFlags<T extends FlagTable>(
  args: readonly string[],
  flags: T,
): CommandLine<T> | TextRequest {
  const { texts, positional } = splitArguments(args, flags);
  const request = BUILT_IN.find((name) => isOn(name, texts.get(name)));
  if (request !== undefined) {
    return { request: request === "version" ? "version" : "help", positional };
  }
  const given = Object.keys(flags).filter((name) => texts.has(name));
  return { settings: settingsOf(flags, texts), given: new Set(given), positional };
}

/**
 * The arguments that are no flags, in order; the values of flags are not parsed. Raises
 * `UsageError` as `parseFlags` does.
 */
export function positionalArguments(args: readonly string[], flags: FlagTable): readonly string[] {
  return splitArguments(args, flags).positional;
}

/** The text of each flag that was given, by name, and the arguments that are no flags. */
interface SplitArguments {
  readonly texts: ReadonlyMap<string, string>;
  readonly positional: readonly string[];
}

function splitArguments(args: readonly string[], flags: FlagTable): SplitArguments {
  const texts = new Map<string, string>();
  const positional: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (argument === "--") {
      positional.push(...args.slice(index + 1));
      break;
    }
    if (argument === "-" || !argument.startsWith("-")) {
      positional.push(argument);
      continue;
    }
    const [, name, value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined) {
      throw new UsageError(`bad flag ${JSON.stringify(argument)}: expected -name or -name=value`);
    }
    if (!isKnown(name, flags)) throw unknownFlag(name, flags);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (value !== undefined) texts.set(name, value);
    else if (flag === undefined || !("value" in flag)) texts.set(name, "true");
    else {
      const next = args[++index];
      // A value may begin with a dash ("-file -"), but a known flag was meant as that flag.
      if (next === undefined || next === "--" || isKnown(nameIn(next), flags)) {
        throw new UsageError(`flag -${name} needs a value: -${name} ${flag.value.placeholder}`);
      }
      texts.set(name, next);
    }
  }
  return { texts, positional };
}

function settingsOf<T extends FlagTable>(
  flags: T,
  texts: ReadonlyMap<string, string>,
): SettingsOf<T> {
  const settings: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    if (!("value" in flag)) {
      if (isOn(name, texts.get(name))) settings[flag.field] = flag.on;
      else if ("off" in flag) settings[flag.field] = flag.off;
      continue;
    }
    const text = texts.get(name) ?? ("default" in flag ? flag.default : undefined);
    if (text === undefined) continue;
    settings[flag.field] = inFlag(`-${name}`, () => flag.value.parse(text, settings as never));
  }
  return settings as SettingsOf<T>;
}

/** Whether a switch was given and is on, in the words that Go accepts. */
function isOn(name: string, text: string | undefined): boolean {
  if (text === undefined || /^(0|f|F|false|FALSE|False)$/.test(text)) return false;
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  return inFlag(`-${name}`, () => {
    throw new UsageError(`bad value ${JSON.stringify(text)}: expected true or false`);
  });
}

/** The name of the flag that an argument spells; another text if it spells none. */
function nameIn(argument: string): string {
  return /^--?([^=]+)/s.exec(argument)?.[1] ?? "";
}

function isKnown(name: string, flags: FlagTable): boolean {
  return Object.hasOwn(flags, name) || BUILT_IN.includes(name);
}

function unknownFlag(name: string, flags: FlagTable): UsageError {
  const nearest = closestString(name, [...Object.keys(flags), "help", "version"]);
  return new UsageError(`unknown flag -${name}: the nearest known one is -${nearest}`);
}
