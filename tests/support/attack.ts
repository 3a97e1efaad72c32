/**
 * Strangers who hold a server's connections: each opens another one as soon as its last is closed.
 * @module
 */

/** A connection's end is its own: this one opens it, uses it until it is closed, and looks away. */
export type Behaviour = (connection: Deno.TcpConn, signal: AbortSignal) => Promise<void>;

/** Goes on until it is disposed of. */
export class Attack implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<unknown>;
  /** How many connections were opened. */
  opened = 0;

  /** Begins at once: `connections` at a time. */
  constructor(options: {
    readonly to: string;
    readonly connections: number;
    readonly behaviour: Behaviour;
  }) {
    this.#done = Promise.all(
      Array.from({ length: options.connections }, () => this.#stranger(options)),
    );
  }

  /** Closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    for (const connection of this.#open) connection.close();
    await this.#done;
  }

  async #stranger(options: { readonly to: string; readonly behaviour: Behaviour }): Promise<void> {
    const { signal } = this.#abort;
    const [hostname = "", port] = options.to.split(":");
    while (!signal.aborted) {
      try {
        const connection = await Deno.connect({ hostname, port: Number(port) });
        this.opened++;
        this.#open.add(connection);
        try {
          if (!signal.aborted) await options.behaviour(connection, signal);
        } finally {
          if (this.#open.delete(connection) && !signal.aborted) connection.close();
          else if (signal.aborted) closeQuietly(connection);
        }
      } catch {
        // Closed or refused: the next one may come through.
        await pause(20);
      }
    }
  }
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Says nothing. */
export const silent: Behaviour = async (connection) => {
  while (await connection.read(new Uint8Array(1024)) !== null);
};

/** Says the beginning of `bytes`, one a second. */
export function dribbling(bytes: Uint8Array): Behaviour {
  return async (connection, signal) => {
    for (let at = 0; at < bytes.length && !signal.aborted; at++) {
      await connection.write(bytes.subarray(at, at + 1));
      await pause(1000);
    }
  };
}

/** Says `head`, and then whatever goes through. */
export function pouring(head: Uint8Array): Behaviour {
  const chunk = new Uint8Array(64 * 1024);
  return async (connection, signal) => {
    await connection.write(head);
    while (!signal.aborted) await connection.write(chunk);
  };
}
