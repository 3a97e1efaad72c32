/**
 * Interfaces to the operating system: clocks, randomness, timers, network, files, processes, store,
 * log. Types only: `lib/deno/` implements them on Deno, `tests/support/` in virtual time, and all
 * other code receives them as parameters.
 * @module
 */

/** An IP address and a port, for UDP and TCP. */
export interface Address {
  /** In canonical text: IPv4 in dotted form, or IPv6 without brackets and without a zone. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** Monotonic and wall-clock time. */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start: for timeouts and intervals. */
  nowMs(): number;
  /**
   * Milliseconds since the Unix epoch: for output, and for expiry on other nodes. May jump either
   * way.
   */
  wallMs(): number;
}

/** A random number generator. With a seeded one a test run can be repeated. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` random bytes; in production from a cryptographically secure generator. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** One-shot timers. */
export interface Timers {
  /** Calls back once after `delayMs`, unless the returned function is called before. */
  after(delayMs: number, callback: () => void): () => void;
}

/** A received datagram. The receiver may keep and change `bytes`. */
export interface Datagram {
  /** Socket address of the sender. */
  readonly from: Address;
  readonly bytes: Uint8Array;
}

/** A bound UDP socket. */
export interface DatagramSocket {
  /** The address that it is bound to. */
  readonly local: Address;
  /** Sends a datagram. Never throws and never blocks: a datagram that cannot be sent is lost. */
  send(to: Address, bytes: Uint8Array): void;
  /**
   * Receives the next datagram; `undefined` once the socket is closed. Network errors are ignored.
   */
  receive(): Promise<Datagram | undefined>;
  /** Closes the socket and ends a waiting `receive`. */
  close(): void;
}

/** One TCP connection. */
export interface ByteStream {
  /** Socket address of the other end. */
  readonly remote: Address;
  /**
   * Reads into the start of `buffer` and returns the number of bytes; `undefined` at the end of the
   * stream. Rejects with `StreamError`.
   */
  read(buffer: Uint8Array): Promise<number | undefined>;
  /** Writes all of `bytes`. Rejects with `StreamError`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Closes both directions and ends a waiting read or write. Idempotent. */
  close(): void;
}

/** A listening TCP socket. */
export interface StreamListener {
  /** The address that it is bound to. */
  readonly local: Address;
  /** Accepts the next connection; `undefined` once the listener is closed. */
  accept(): Promise<ByteStream | undefined>;
  /** Stops listening and ends a waiting `accept`. */
  close(): void;
}

/** The network of one host. */
export interface Network {
  /** Binds a UDP socket; port 0 binds a free port. Raises `AddressError`. */
  listenDatagrams(local: Address): DatagramSocket;
  /** Binds a TCP socket; port 0 binds a free port. Raises `AddressError`. */
  listenStreams(local: Address): StreamListener;
  /**
   * Opens a connection. Rejects with `StreamError` if it is refused, unreachable or not open after
   * `timeoutMs`.
   */
  connect(to: Address, options: { timeoutMs: number; signal?: AbortSignal }): Promise<ByteStream>;
  /**
   * Resolves a name to its IPv4 and IPv6 addresses; an IP address is returned as it is. Rejects
   * with `AddressError`.
   */
  resolve(hostname: string): Promise<string[]>;
  /** The addresses of the host's network interfaces, loopback included. */
  interfaceAddresses(): string[];
}

/** The kind of a file; `other` is a device, FIFO or socket. */
export type FileKind = "file" | "directory" | "other";

/** A file opened for reading. */
export interface OpenFile {
  /**
   * Reads into the start of `buffer` and returns the number of bytes; `undefined` at the end of the
   * file. Rejects with `HostError`.
   */
  read(buffer: Uint8Array): Promise<number | undefined>;
  /** Closes the file. */
  close(): void;
}

/** One running process. */
export interface ProcessEntry {
  readonly pid: number;
  /**
   * Real path of the executable; absent if the kernel hides it (a kernel thread, a process of
   * another user).
   */
  readonly executable?: string;
  /** Command line, the arguments joined by spaces; empty for a kernel thread. */
  readonly commandLine: string;
}

/** Options of a shell command. */
export interface ShellOptions {
  /** Added to the inherited environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** After this time the command and its children are killed. */
  readonly timeoutMs: number;
  /** Further output (stdout and stderr together, in order of arrival) is read and dropped. */
  readonly outputLimitBytes: number;
  /** If it aborts, the command and its children are killed. */
  readonly signal?: AbortSignal;
}

/** Result of a shell command. */
export interface ShellResult {
  /** `signaled`: another program ended it; `timed_out`, `aborted`: ended as `ShellOptions` says. */
  readonly end:
    | { readonly type: "exited"; readonly code: number }
    | { readonly type: "signaled"; readonly signal: string }
    | { readonly type: "timed_out" }
    | { readonly type: "aborted" };
  /** The first `outputLimitBytes` of stdout and stderr; invalid UTF-8 is replaced by U+FFFD. */
  readonly output: string;
  /** Number of bytes of output that were dropped. */
  readonly droppedBytes: number;
}

/** Files, processes and the shell of one host, for checks and actions. */
export interface Host {
  /**
   * The kind of the file at `path`, symbolic links followed; `undefined` if it does not exist.
   * Rejects with `HostError`.
   */
  fileKind(path: string): Promise<FileKind | undefined>;
  /** Opens a file for reading; `undefined` if it does not exist. Rejects with `HostError`. */
  openFile(path: string): Promise<OpenFile | undefined>;
  /**
   * Lists the processes of the host, except the shells that gossipcheck started. Rejects with
   * `HostError`.
   */
  processes(signal?: AbortSignal): Promise<readonly ProcessEntry[]>;
  /**
   * Runs `/bin/sh -c command` in its own process group. Rejects with `HostError` if it cannot be
   * started.
   */
  runShell(command: string, options: ShellOptions): Promise<ShellResult>;
}

/** The value of one column. */
export type StoreValue = string | number | Uint8Array | null;

/** A durable SQL store. All methods are synchronous and raise `StoreError`. */
export interface Store {
  /** Runs one statement with its parameters. */
  run(sql: string, ...parameters: readonly StoreValue[]): void;
  /** Runs one query and returns its rows. */
  query(sql: string, ...parameters: readonly StoreValue[]): Record<string, StoreValue>[];
  /**
   * Runs `body` in a transaction, which is rolled back if `body` throws, and is durable when this
   * call returns. A `lazy` one does not wait for the disk: it survives a crash of the process, and
   * becomes durable with the next transaction that is not lazy.
   */
  transaction<T>(body: () => T, options?: { readonly lazy?: boolean }): T;
  /** Closes the store and releases its lock. */
  close(): void;
}

/** An append-only file with rotation. All methods raise `HostError`. */
export interface AppendFile {
  /** Appends a line; the operating system has it when this call returns. */
  append(line: string): void;
  /** Size of the file in bytes. */
  size(): number;
  /** Renames the file and the older ones, deletes the oldest, and starts a new file. */
  rotate(): void;
  /** Closes the file and opens the one that is at its path now. */
  reopen(): void;
  /** Closes the file. */
  close(): void;
}

/** Severity of a log event. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Fields of a log event; undefined ones are not written. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Receives log events. `event` is a stable snake_case name, `message` a short text for people. */
export interface Log {
  /** Writes one event. Never throws. */
  write(level: LogLevel, event: string, message: string, fields?: LogFields): void;
}
