/**
 * The commands of `gcheck`, for parsing and help. The flags of each are in `client_flags.ts`.
 * @module
 */

/** The name of a command. */
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

/** The commands other than `help` and `version`. */
export type WorkingCommand = Exclude<CommandName, "help" | "version">;

/** The help text and the arguments of a command. */
export interface CommandDefinition {
  /** What it does, in a few words. */
  readonly summary: string;
  /** The rest of `gcheck help COMMAND`. */
  readonly details: string;
  /** Placeholder of its argument in help, in brackets if optional; absent if it has none. */
  readonly argument?: string;
  /** Whether a second argument may follow. */
  readonly takesSecondArgument?: boolean;
}

/** All commands by name, in the order of help. */
export const COMMANDS: Readonly<Record<CommandName, CommandDefinition>> = {
  check: {
    summary: "run checks on all members, wait, and show the results that are not pass",
    details: "Sends the file as one batch to the daemon, which spreads it to all members, or to " +
      "those that -target, -nodes and -limit select. Returns when all of them have reported, or " +
      "after -timeout; the batch continues then, and also after Control-C. Exit status: 0 all " +
      "checks passed on all members, 1 a check failed or could not be decided, or the batch was " +
      "stopped or cancelled before all had run it, 2 bad usage or file (nothing was sent), 3 a " +
      "member did not report, 4 no daemon.",
  },
  "local-check": {
    summary: "run checks on this host only, one after another, without actions or a daemon",
    details: "Shows the outcome of every check of the file. Exit status: 0 all checks passed, 1 " +
      "a check failed or could not be decided, 2 bad usage or file.",
  },
  "list-members": {
    summary: "show the members of the cluster as the daemon sees them",
    details: "For each member: its name, address, state (alive, suspect, left, failed), whether " +
      "it runs gossipcheck, and its tags.",
  },
  results: {
    summary: "list recent batches, or show the results of one",
    details: "Without an ID, lists the batches that the daemon knows. With an ID, or the first " +
      "characters of one that no other batch begins with, shows that batch as it stands; only " +
      "the daemon that it was sent to has its results. Exit status as for check; 3 while " +
      "members have not reported yet.",
    argument: "[ID]",
  },
  cancel: {
    summary: "stop a batch on every node: running actions are ended, no more are started",
    details: "ID is the id of a batch, or its first characters that no other batch begins with. " +
      "Any daemon that knows the batch can cancel it. Returns when that daemon has begun to send " +
      "the cancellation; members that return before the batch expires get it then. Exit status: " +
      "0 the cancellation is on its way, 2 no such batch, 4 no daemon.",
    argument: "ID",
  },
  keys: {
    summary: "list the cluster keys, or change them on every node without losing a packet",
    details: "Changes the key that encrypts the traffic between nodes, in three steps: install a " +
      "new key, use it, remove the old one. Each step is sent to every node; use and remove are " +
      "sent only if every node can carry them out. A key is named by its fingerprint, which list " +
      "shows, or by -key-file. Each node needs a -keyring-file to store the keys. Exit status: 0 " +
      "every node did it, 1 a node could not, 2 bad usage or no encryption (nothing was sent), 3 " +
      "a member did not report, 4 no daemon.",
    argument: "install|use|remove|list [FINGERPRINT]",
    takesSecondArgument: true,
  },
  keygen: {
    summary: "generate a cluster key for -keyring-file, or with -sign a key that signs batches",
    details: "Without -sign: 32 random bytes in base64, the content of a file for -keyring-file " +
      "and for keys install -key-file. With -sign: an Ed25519 private key in PEM for check -sign; " +
      "the line with its public key for the file of -trusted-keys is printed to stdout, or to " +
      "stderr without -out. Needs no daemon. Exit status: 0 the key was generated, 2 bad usage or " +
      "the file could not be created.",
  },
  validate: {
    summary: "show every error in a check file, with its position",
    details: "Needs no daemon and sends nothing. Exit status: 0 the file is valid, 2 it is not.",
  },
  help: {
    summary: "show this help, or that of a command",
    details: "The same as -help.",
    argument: "[COMMAND]",
  },
  version: { summary: "show the version", details: "The same as -version." },
};
