/**
 * The seam between the programs and the machine that they run on. Types only: `lib/deno/`
 * implements them on Deno, `tests/support/` in virtual time, and everything else is handed them.
 * @module
 */

/** Where a node listens, UDP and TCP alike. `host` is an IP address in its canonical text form. */
export interface Address {
  /** IPv4 in dotted form, or IPv6 without brackets and without a zone. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Time. Implementations never go backwards in `nowMs`; `wallMs` may jump either way. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start: for timeouts and intervals. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch: for what people read and for expiry across nodes. */
  wallMs(): number;
}

/** Chance. A seeded one makes a whole run repeatable. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` random bytes; from the operating system's generator where it guards a secret. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** One-shot timers. */
export interface Timers {
  /** Calls back once after `delayMs`, unless the returned function was called before. */
  after(delayMs: number, callback: () => void): () => void;
}

/** A datagram as it arrived. The bytes belong to the receiver. */
export interface Datagram {
  /** The socket address that sent it. */
  readonly from: Address;
  /** The payload. */
  readonly bytes: Uint8Array;
}

/** A bound UDP socket. */
export interface DatagramSocket {
  /** What it is bound to. */
  readonly local: Address;
  /** Sends and forgets. Never throws and never blocks: a failed send is a lost packet. */
  send(to: Address, bytes: Uint8Array): void;
  /** The next datagram; `undefined` once the socket is closed. Errors of the network are passed over. */
  receive(): Promise<Datagram | undefined>;
  /** Closes the socket and ends a waiting `receive`. */
  close(): void;
}

/** One TCP connection. Closing is idempotent and ends a waiting read or write. */
export interface ByteStream {
  /** The other end's socket address. */
  readonly remote: Address;
  /** Fills the start of `buffer`; the count, or `undefined` at the end of the stream. Rejects with `StreamError`. */
  read(buffer: Uint8Array): Promise<number | undefined>;
  /** Writes all of `bytes`. Rejects with `StreamError`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes both directions. */
  close(): void;
}

/** A listening TCP socket. */
export interface StreamListener {
  /** What it is bound to. */
  readonly local: Address;
  /** The next connection; `undefined` once closed. */
  accept(): Promise<ByteStream | undefined>;
  /** Stops listening and ends a waiting `accept`. */
  close(): void;
}

/** The network of one host. */
export interface Network {
  /** Binds a UDP socket; port 0 picks a free one. Raises `AddressError`. */
  listenDatagrams(local: Address): DatagramSocket;
  /** Binds a TCP socket; port 0 picks a free one. Raises `AddressError`. */
  listenStreams(local: Address): StreamListener;
  /** Connects. Rejects with `StreamError` when refused, unreachable or past `timeoutMs`. */
  connect(to: Address, options: { timeoutMs: number; signal?: AbortSignal }): Promise<ByteStream>;
  /** A name's addresses, IPv4 and IPv6; an address is returned as it is. Rejects with `AddressError`. */
  resolve(hostname: string): Promise<string[]>;
  /** The host's own addresses, loopback ones included. */
  interfaceAddresses(): string[];
}

/** What kind of thing a path names. */
export type FileKind = "file" | "directory" | "other";

/** A file opened for reading. */
export interface OpenFile {
  /** Fills the start of `buffer`; the count, or `undefined` at the end. Rejects with `HostError`. */
  read(buffer: Uint8Array): Promise<number | undefined>;
  /** Closes it. */
  close(): void;
}

/** One running process. */
export interface ProcessEntry {
  /** Process id. */
  readonly pid: number;
  /** The executable's real path; absent where the kernel does not tell (a kernel thread, another user's). */
  readonly executable?: string;
  /** The command line, its arguments joined by spaces; empty for a kernel thread. */
  readonly commandLine: string;
}

/** How to run a shell command. */
export interface ShellOptions {
  /** Added to the environment that the command inherits. */
  readonly environment: Readonly<Record<string, string>>;
  /** After this it is ended with all its children. */
  readonly timeoutMs: number;
  /** Output past this many bytes (stdout and stderr together, in order of arrival) is read and dropped. */
  readonly outputLimitBytes: number;
  /** Aborting ends it with all its children. */
  readonly signal?: AbortSignal;
}

/** How a shell command ended. */
export interface ShellResult {
  /** `exited` with a code; `signaled` by someone; ended here as `timed_out` or `aborted`. */
  readonly end:
    | { readonly type: "exited"; readonly code: number }
    | { readonly type: "signaled"; readonly signal: string }
    | { readonly type: "timed_out" }
    | { readonly type: "aborted" };
  /** The first bytes of its output, as UTF-8 with replacement. */
  readonly output: string;
  /** How many bytes of output were dropped. */
  readonly droppedBytes: number;
}

/** Files, processes and the shell of one host, as checks see them. */
export interface Host {
  /** What `path` names, links followed; `undefined` where nothing is there. Rejects with `HostError`. */
  fileKind(path: string): Promise<FileKind | undefined>;
  /** Opens for reading; `undefined` where nothing is there. Rejects with `HostError`. */
  openFile(path: string): Promise<OpenFile | undefined>;
  /** All processes that can be seen, this one's helpers left out. Rejects with `HostError`. */
  processes(signal?: AbortSignal): Promise<readonly ProcessEntry[]>;
  /** Runs `/bin/sh -c command` in a process group of its own. Rejects with `HostError` where it may not or cannot be started. */
  runShell(command: string, options: ShellOptions): Promise<ShellResult>;
}

/** One column's value in a store. */
export type StoreValue = string | number | Uint8Array | null;

/** A durable store that speaks SQL. Every call is done when it returns. All raise `StoreError`. */
export interface Store {
  /** Runs one statement with its parameters. */
  run(sql: string, ...parameters: readonly StoreValue[]): void;
  /** The rows of one query. */
  query(sql: string, ...parameters: readonly StoreValue[]): Record<string, StoreValue>[];
  /**
   * Runs `body` whole or not at all; what it did is durable when this returns. A `lazy` one does not
   * wait for the disk: it outlives the process, and is durable with the next that is not lazy.
   */
  transaction<T>(body: () => T, options?: { readonly lazy?: boolean }): T;
  /** Closes it and lets go of its lock. */
  close(): void;
}

/** A file that is only ever appended to. Raises `HostError` where it cannot be written. */
export interface AppendFile {
  /** Appends and hands to the operating system before it returns. */
  append(line: string): void;
  /** Bytes in it now. */
  size(): number;
  /** Gives the file its next older name and starts an empty one; the oldest one is removed. */
  rotate(): void;
  /** Lets go of the file and opens what stands at its path now. */
  reopen(): void;
  /** Closes it. */
  close(): void;
}

/** How much a log line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A log line's typed fields. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where log events go. `event` is a stable snake_case name, `message` is for people. */
export interface Log {
  /** Takes one event. Never throws. */
  write(level: LogLevel, event: string, message: string, fields?: LogFields): void;
}
