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

/** Whose fault each kind of error is, what it changed, and what a program that ends on it exits with. */
export const ERROR_KINDS = {
  usage: { fault: "operator", stateTouched: false, exitStatus: EXIT_STATUS.usage },
  check_file: { fault: "operator", stateTouched: false, exitStatus: EXIT_STATUS.usage },
  address: { fault: "operator", stateTouched: false, exitStatus: EXIT_STATUS.usage },
  stream: { fault: "host", stateTouched: true, exitStatus: EXIT_STATUS.failed },
  host: { fault: "host", stateTouched: false, exitStatus: EXIT_STATUS.failed },
  busy: { fault: "operator", stateTouched: false, exitStatus: EXIT_STATUS.failed },
  refused: { fault: "operator", stateTouched: false, exitStatus: EXIT_STATUS.unreachable },
  store: { fault: "host", stateTouched: false, exitStatus: EXIT_STATUS.failed },
  unreachable: { fault: "operator", stateTouched: false, exitStatus: EXIT_STATUS.unreachable },
  wire: { fault: "peer", stateTouched: false, exitStatus: EXIT_STATUS.failed },
} as const;

/** The stable codes, for programs. */
export type ErrorCode = keyof typeof ERROR_KINDS;

/** Root of all errors of this project. */
export abstract class GossipcheckError extends Error {
  /** Stable, for programs; what the class's row of `ERROR_KINDS` is found by. */
  readonly code: ErrorCode;

  /** Keeps the `cause` of `options`. */
  constructor(message: string, options: ErrorOptions & { code: ErrorCode }) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.code = options.code;
  }

  /** The class's name. */
  override get name(): string {
    return this.constructor.name;
  }
  /** Who has to act. */
  get fault(): Fault {
    return ERROR_KINDS[this.code].fault;
  }
  /** Whether anything may have changed before it was raised. */
  get stateTouched(): boolean {
    return ERROR_KINDS[this.code].stateTouched;
  }
  /** What a program that ends on it exits with. */
  get exitStatus(): number {
    return ERROR_KINDS[this.code].exitStatus;
  }
}

/** A flag, argument, environment value or combination of them is wrong. Nothing was done. */
export class UsageError extends GossipcheckError {
  /** Says what is wrong with which flag or value, and what was expected. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "usage" });
  }
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
  /** What is wrong, at least one entry. */
  readonly problems: readonly Problem[];

  /** Says in one line how many problems there are. */
  constructor(message: string, options: { problems: readonly Problem[] }) {
    super(message, { code: "check_file" });
    this.problems = options.problems;
  }
}

/** An address cannot be parsed, resolved, bound or advertised. */
export class AddressError extends GossipcheckError {
  /** Says which address, from which flag where known, and what was expected. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "address" });
  }
}

/** A stream could not be opened, read or written, or ran out of time; bytes may have gone out. */
export class StreamError extends GossipcheckError {
  /** Says which address and what happened. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "stream" });
  }
}

/** The host would not let us look or act: permission, I/O. A check turns it into the outcome `error`. */
export class HostError extends GossipcheckError {
  /** Says which path or command and what happened. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "host" });
  }
}

/** There is more under way than is let in; the same may go a moment later. Nothing was done. */
export class BusyError extends GossipcheckError {
  /** Says of what there is too much. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "busy" });
  }
}

/** A rule of the node's operator forbids it. Nothing was done. */
export class RefusedError extends GossipcheckError {
  /** Says which rule, and what would be let in. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "refused" });
  }
}

/** The durable store cannot be opened, read or written. */
export class StoreError extends GossipcheckError {
  /** Says which file, what happened and what to do. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "store" });
  }
}

/** Why `gcheck` and a daemon do not come together. */
export type UnreachableReason =
  /** Nobody listens there, or nobody answers. */
  | "no_daemon"
  /** Something listens that is not gossipcheckd. */
  | "not_gossipcheck"
  /** The two are of releases that do not understand each other. */
  | "version"
  /** A token is missing or wrong, on either side. */
  | "unauthorised"
  /** It was there and is gone, or has no room for another connection. */
  | "lost";

/** `gcheck` found no daemon, or the daemon would not talk to it. */
export class UnreachableError extends GossipcheckError {
  /** Which of the ways it failed in. */
  readonly reason: UnreachableReason;

  /** Says where it looked and how to start one. */
  constructor(message: string, options: ErrorOptions & { reason?: UnreachableReason } = {}) {
    super(message, { ...options, code: "unreachable" });
    this.reason = options.reason ?? "no_daemon";
  }
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
  "wrong_session",
  "replayed",
  "unexpected",
  "timed_out",
  "too_many",
] as const;

/** One of `DROP_REASONS`. */
export type DropReason = typeof DROP_REASONS[number];

/** Bytes from a socket are not what the protocol allows. Nothing changed; the sender is at fault. */
export class WireError extends GossipcheckError {
  /** Which counter it goes to. */
  readonly reason: DropReason;

  /** Says what was found and what the protocol allows. */
  constructor(reason: DropReason, message: string) {
    super(message, { code: "wire" });
    this.reason = reason;
  }
}
