/**
 * Error classes of the project. Programs decide by the class or the `code` of an error, never by
 * its message. A message is one line: what failed, the value, what was expected, what to do.
 * @module
 */

/** Exit statuses of both programs, which scripts rely on. */
export const EXIT_STATUS = {
  /** All checks passed on all nodes. */
  ok: 0,
  /** At least one outcome is not pass; for the daemon: it could not continue. */
  failed: 1,
  /** Wrong usage or an invalid file; nothing was done. */
  usage: 2,
  /** At least one member did not report in time. */
  unanswered: 3,
  /** No daemon answered, or the daemon refused. */
  unreachable: 4,
  /** Interrupted by Control-C. */
  interrupted: 130,
} as const;

/** The exit status of a program that ends on an error, by the error's code. */
export const ERROR_EXIT_STATUS = {
  usage: EXIT_STATUS.usage,
  check_file: EXIT_STATUS.usage,
  address: EXIT_STATUS.usage,
  stream: EXIT_STATUS.failed,
  host: EXIT_STATUS.failed,
  busy: EXIT_STATUS.failed,
  refused: EXIT_STATUS.unreachable,
  store: EXIT_STATUS.failed,
  unreachable: EXIT_STATUS.unreachable,
  wire: EXIT_STATUS.failed,
} as const;

/** Stable code of an error class. */
export type ErrorCode = keyof typeof ERROR_EXIT_STATUS;

/** Base class of all errors of this project. */
export abstract class GossipcheckError extends Error {
  /** Stable, for programs. */
  readonly code: ErrorCode;

  /** Keeps the `cause` of `options`. */
  constructor(message: string, options: ErrorOptions & { code: ErrorCode }) {
    super(message, "cause" in options ? { cause: options.cause } : {});
    this.code = options.code;
  }

  /** The name of the class. */
  override get name(): string {
    return this.constructor.name;
  }
  /** Exit status of a program that ends on this error. */
  get exitStatus(): number {
    return ERROR_EXIT_STATUS[this.code];
  }
}

/** A flag, argument, environment variable or a combination of them is invalid. Nothing was done. */
export class UsageError extends GossipcheckError {
  /** `message` names the flag and the value, and what was expected. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "usage" });
  }
}

/** One error in a check file. */
export interface Problem {
  /** Name of the check; absent if the error is not in one check. */
  readonly check?: string;
  /** Name of the field; absent if the error is not in one field. */
  readonly field?: string;
  /** From 1; absent if unknown. */
  readonly line?: number;
  /** In code points, from 1; absent if unknown. */
  readonly column?: number;
  /** What is wrong and what was expected. */
  readonly message: string;
}

/** A check file is invalid. No check of it was sent or run. */
export class CheckFileError extends GossipcheckError {
  /** The errors of the file, at least one. */
  readonly problems: readonly Problem[];

  /** `message` is a summary in one line. */
  constructor(message: string, options: { problems: readonly Problem[] }) {
    super(message, { code: "check_file" });
    this.problems = options.problems;
  }
}

/** An address cannot be parsed, resolved, bound or advertised. */
export class AddressError extends GossipcheckError {
  /** `message` names the address, its flag if known, and what was expected. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "address" });
  }
}

/**
 * A TCP connection could not be opened, read or written, or timed out. Some bytes may have been
 * sent.
 */
export class StreamError extends GossipcheckError {
  /** `message` names the address and what happened. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "stream" });
  }
}

/**
 * The host failed or refused a read, a write or a command. The outcome of a check is then `error`.
 */
export class HostError extends GossipcheckError {
  /** `message` names the path or command and what happened. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "host" });
  }
}

/** The request exceeds a limit on concurrent work. Nothing was done; a retry may succeed. */
export class BusyError extends GossipcheckError {
  /** `message` names the limit. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "busy" });
  }
}

/** A rule of the node's operator forbids the request. Nothing was done. */
export class RefusedError extends GossipcheckError {
  /** `message` names the rule, and what it allows. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "refused" });
  }
}

/** The durable store cannot be opened, read or written. */
export class StoreError extends GossipcheckError {
  /** `message` names the file, what happened and what to do. */
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, { ...options, code: "store" });
  }
}

/** Why `gcheck` could not use a daemon. */
export type UnreachableReason =
  /** The connection was refused or timed out. */
  | "no_daemon"
  /** The program that listens is not gossipcheckd. */
  | "not_gossipcheck"
  /** The two programs speak different versions of the client protocol. */
  | "version"
  /** The token of `gcheck` or of the daemon is missing or wrong. */
  | "unauthorised"
  /** The daemon closed the connection: it stopped, or it has too many connections. */
  | "lost";

/** `gcheck` could not connect to a daemon, or the daemon did not accept the connection. */
export class UnreachableError extends GossipcheckError {
  /** Default `no_daemon`. */
  readonly reason: UnreachableReason;

  /** `message` names the address, what happened and how to start a daemon. */
  constructor(message: string, options: ErrorOptions & { reason?: UnreachableReason } = {}) {
    super(message, { ...options, code: "unreachable" });
    this.reason = options.reason ?? "no_daemon";
  }
}

/** Reasons for which input from a socket is dropped; drops are counted by reason. */
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

/** Bytes from a socket violate the protocol. No state has changed. */
export class WireError extends GossipcheckError {
  /** The reason under which the drop is counted. */
  readonly reason: DropReason;

  /** `message` names what was found and what the protocol allows. */
  constructor(reason: DropReason, message: string) {
    super(message, { code: "wire" });
    this.reason = reason;
  }
}
