/**
 * The commands of `gcheck`: the one place from which their parsing and help come.
 * @module
 */
import type { ClientFlags } from "./client_flags.ts";

/** Every command. */
export type CommandName =
  | "check"
  | "local-check"
  | "list-members"
  | "results"
  | "cancel"
  | "keys"
  | "keygen"
  | "validate"
  | "help"
  | "version";

/** The commands that do more than print a text. */
export type WorkingCommand = Exclude<CommandName, "help" | "version">;

/** One command, for parsing and help. */
export interface CommandDefinition {
  /** What it does, in a few words. */
  readonly summary: string;
  /** More of it, for its own help. */
  readonly details: string;
  /** What stands for its argument in help; absent where it takes none. */
  readonly argument?: string;
  /** Whether a second argument may follow the first. */
  readonly takesSecondArgument?: boolean;
  /** The flags that mean something to it. */
  readonly flags: readonly (keyof ClientFlags)[];
}

/** Whom a batch is for, in which stages, and for how long. */
const BATCH_FLAGS: readonly (keyof ClientFlags)[] = [
  "target",
  "nodes",
  "limit",
  "batch-size",
  "max-failures",
  "expires",
];

/** Which daemon, and how it knows us. */
const DAEMON_FLAGS: readonly (keyof ClientFlags)[] = ["server", "token-file"];

/** All commands by name, in the order of help. */
export const COMMANDS: Readonly<Record<CommandName, CommandDefinition>> = {
  check: {
    summary: "send the checks to every node, wait, and show what is not passing",
    details:
      "Sends the file as one batch to the daemon, which spreads it to all members, or to those " +
      "that -target, -nodes and -limit name. Returns as soon as every one has answered, or when " +
      "-timeout is up; the batch goes on then, also after Control-C. Exit status: 0 all passed " +
      "everywhere, 1 a check failed or could not be decided, or the batch was stopped or " +
      "cancelled before all had run it, 2 bad usage or file (nothing was sent), 3 a member did " +
      "not answer, 4 no daemon.",
    flags: ["file", ...BATCH_FLAGS, "sign", ...DAEMON_FLAGS, "timeout", "no-wait", "output"],
  },
  "local-check": {
    summary: "run the checks on this host, one after another, without actions or a daemon",
    details: "Shows the outcome of every check of the file. Exit status: 0 all passed, 1 a check " +
      "failed or could not be decided, 2 bad usage or file.",
    flags: ["file", "output"],
  },
  "list-members": {
    summary: "show the cluster's members as the daemon sees them",
    details: "For each member its name, address, state (alive, suspect, left, failed), whether " +
      "it runs gossipcheck, and its tags.",
    flags: [...DAEMON_FLAGS, "timeout", "output"],
  },
  results: {
    summary: "show recent batches, or what came of one",
    details: "Without an ID, lists the batches that the daemon remembers. With one, or with as " +
      "much of its start as no other has, shows that batch as it stands: only the daemon that it " +
      "was sent to knows its results. Exit status as of check; 3 while members have yet to answer.",
    argument: "[ID]",
    flags: [...DAEMON_FLAGS, "timeout", "output"],
  },
  cancel: {
    summary: "stop a batch on every node: nothing more of it starts, running actions are ended",
    details: "ID is a batch's id, or as much of its start as no other has. Any daemon that knows " +
      "the batch can be asked. Returns once that daemon has begun to tell the others, also those " +
      "that come back before the batch expires. Exit status: 0 the word is out, 2 no such batch, " +
      "4 no daemon.",
    argument: "ID",
    flags: [...DAEMON_FLAGS, "timeout", "output"],
  },
  keys: {
    summary: "list the cluster's keys, or change them on every node without losing a packet",
    details:
      "Changes the key that encrypts what nodes say to each other, in three steps: install a new " +
      "one, use it, remove the old one. Each step goes to every node, and use and remove are sent " +
      "only where every node can follow. A key is named by its fingerprint, which list shows, or by " +
      "-key-file. Nodes need a -keyring-file to keep it in. Exit status: 0 every node did it, 1 a " +
      "node could not, 2 bad usage or no encryption (nothing was sent), 3 a member did not answer, " +
      "4 no daemon.",
    argument: "install|use|remove|list [FINGERPRINT]",
    takesSecondArgument: true,
    flags: ["key-file", "sign", ...DAEMON_FLAGS, "timeout", "output"],
  },
  keygen: {
    summary: "make a cluster key for -keyring-file, or with -sign a key that signs batches",
    details: "Without -sign, 32 random bytes in base64: the whole content of a file for " +
      "-keyring-file and for keys install -key-file. With -sign, an Ed25519 private key for " +
      "check -sign, in PEM; what stands on stdout beside it, or on stderr without -out, is the " +
      "line of its public half for the file of -trusted-keys. Needs no daemon. Exit status: 0 it " +
      "is made, 2 bad usage or a file that cannot be made.",
    flags: ["sign", "name", "out", "output"],
  },
  validate: {
    summary: "say what is wrong with a check file, and where",
    details: "Needs no daemon and sends nothing. Exit status: 0 the file is good, 2 it is not.",
    flags: ["file", "output"],
  },
  help: {
    summary: "show this text, or more about a command",
    details: "The same as -help.",
    argument: "[COMMAND]",
    flags: [],
  },
  version: { summary: "show the version", details: "The same as -version.", flags: [] },
};
