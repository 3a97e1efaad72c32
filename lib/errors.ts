/**
 * Every error that the project raises on purpose. Nothing decides by a message's text: it decides
 * by class or `code`. The messages are one line that names the thing at fault, what was expected
 * and what to do.
 * @module
 */

/** Who has to act: the peer that sent bytes, the operator, the host it runs on, or us. */
export type Fault = "peer" | "operator" | "host" | "bug";

/** The exit statuses that scripts rely on. */
export const EXIT_STATUS = {
  /** Everything passed everywhere. */
  ok: 0,
  /** Some check failed or could not be decided; for the daemon: it could not go on. */
  failed: 1,
  /** Bad usage or a bad file; nothing was done. */
  usage: 2,
  /** Some member did not answer in time. */
  unanswered: 3,
  /** No daemon there, or it does not let us in. */
  unreachable: 4,
  /** Interrupted by Control-C. */
  interrupted: 130,
} as const;

/** Root of all errors of this project. */
export abstract class GossipcheckError extends Error {
  /** Stable, for programs: `usage`, `check_file`, `address`, … */
  abstract readonly code: string;
  /** Who has to act. */
  abstract readonly fault: Fault;
  /** Whether anything had changed when it was raised. */
  readonly stateTouched: boolean = false;
  /** What a program that ends on it exits with. */
  abstract readonly exitStatus: number;
  /** The class's name. */
  override get name(): string {
    return this.constructor.name;
  }
}

/** A flag, argument, environment value or combination of them is wrong. Nothing was done. */
export class UsageError extends GossipcheckError {
  readonly code = "usage";
  readonly fault = "operator";
  readonly exitStatus: number = EXIT_STATUS.usage;
}

/** One thing wrong in a check file. */
export interface Problem {
  /** The check's name, where it lies in one. */
  readonly check?: string;
  /** The field's name, where it lies in one. */
  readonly field?: string;
  /** Line, from 1, where known. */
  readonly line?: number;
  /** Column, from 1, where known. */
  readonly column?: number;
  /** What is wrong and what was expected. */
  readonly message: string;
}

/** A check file is bad. Nothing of it was sent or run. Holds every problem found. */
export class CheckFileError extends GossipcheckError {
  readonly code = "check_file";
  readonly fault = "operator";
  readonly exitStatus: number = EXIT_STATUS.usage;
  /** What is wrong, at least one entry. */
  readonly problems: readonly Problem[];
  constructor(message: string, options: { problems: readonly Problem[] }) {
    super(message);
    this.problems = options.problems;
  }
}

/** An address cannot be parsed, resolved, bound or advertised. */
export class AddressError extends GossipcheckError {
  readonly code = "address";
  readonly fault = "operator";
  readonly exitStatus: number = EXIT_STATUS.usage;
}

/** A stream could not be opened, read or written, or ran out of time. */
export class StreamError extends GossipcheckError {
  readonly code = "stream";
  readonly fault = "host";
  readonly exitStatus: number = EXIT_STATUS.failed;
  override readonly stateTouched: boolean = true;
}

/** The host would not let us look or act: permission, I/O. A check turns it into the outcome `error`. */
export class HostError extends GossipcheckError {
  readonly code = "host";
  readonly fault = "host";
  readonly exitStatus: number = EXIT_STATUS.failed;
}

/** The durable store cannot be opened, read or written. */
export class StoreError extends GossipcheckError {
  readonly code = "store";
  readonly fault = "host";
  readonly exitStatus: number = EXIT_STATUS.failed;
}

/** `gcheck` found no daemon, or the daemon would not talk to it. */
export class UnreachableError extends GossipcheckError {
  readonly code = "unreachable";
  readonly fault = "operator";
  readonly exitStatus: number = EXIT_STATUS.unreachable;
}

/** Why input from a socket was dropped: the closed list that the counters are kept by. */
export const DROP_REASONS = [
  "too_large",
  "too_deep",
  "truncated",
  "malformed",
  "unknown_type",
  "bad_checksum",
  "bad_label",
  "not_decryptable",
  "not_encrypted",
  "bad_compression",
  "bad_version",
  "bad_address",
  "not_for_us",
  "unexpected",
  "timed_out",
  "too_many",
] as const;

/** One of `DROP_REASONS`. */
export type DropReason = typeof DROP_REASONS[number];

/** Bytes from a socket are not what the protocol allows. State touched: none; the sender is at fault. */
export class WireError extends GossipcheckError {
  readonly code = "wire";
  readonly fault = "peer";
  readonly exitStatus: number = EXIT_STATUS.failed;
  /** Which counter it goes to. */
  readonly reason: DropReason;
  constructor(reason: DropReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
