/**
 * Opens the durable state of a node: its journal and its known members.
 * @module
 */
import { StoreError, WireError } from "../errors.ts";
import type { RestoredState } from "../gossip/types.ts";
import type { Clock, Log, Store, Timers } from "../runtime.ts";
import { type BatchStore, MemoryBatchStore } from "./batch_store.ts";
import { Journal } from "./journal.ts";
import { JOURNAL_SCHEMA } from "./schema.ts";
import { KNOWN_MEMBERS_SCHEMA, KnownMembers } from "./known_members.ts";

/** The state of one node. */
export interface NodeState {
  /** Batches and the reports of this node. */
  readonly batches: BatchStore;
  /** Initial state of dissemination; absent without a state directory. */
  readonly restored?: RestoredState;
  /** Members from before the restart; absent without a state directory. */
  readonly known?: KnownMembers;
  /** Writes all waiting changes and releases the lock of the store. */
  close(): void;
}

/** The runtime interfaces that the state of a node needs. */
export interface StateRuntime {
  /** For the ages of batches and members. */
  readonly clock: Clock;
  /** Delays writes. */
  readonly timers: Timers;
  /** For write errors. */
  readonly log: Log;
  /**
   * Opens and locks the durable store of the node `name`, and creates its tables by `schema`;
   * undefined without a state directory. Raises `StoreError`.
   */
  readonly openStore: (options: { name: string; schema: readonly string[] }) => Store | undefined;
}

/** Options of `openState`. */
export interface OpenStateOptions {
  /** Name of the node. */
  readonly name: string;
  readonly runtime: StateRuntime;
}

/** Version of the tables, in SQLite's `user_version`. */
const LAYOUT_VERSION = 2;

/**
 * Opens the state of a node: in the store, or in memory without a state directory. Raises
 * `StoreError` and `UsageError`; nothing is then left open.
 */
export function openState({ name, runtime }: OpenStateOptions): NodeState {
  const schema = [...JOURNAL_SCHEMA, ...KNOWN_MEMBERS_SCHEMA];
  const store = runtime.openStore({ name, schema });
  if (store === undefined) {
    runtime.log.write(
      "warn",
      "state_not_kept",
      "the state is in memory only (-state-dir none): after a restart, batches that have not expired may " +
        "run again, results that were not acknowledged are lost, and -peers is needed to rejoin",
    );
    const batches = new MemoryBatchStore(runtime);
    return { batches, close: () => batches.close() };
  }
  try {
    checkLayout(store);
    return stateIn(store, { name, runtime });
  } catch (error) {
    store.close();
    if (!(error instanceof WireError)) throw error;
    throw new StoreError(
      `this version cannot read the state of node ${JSON.stringify(name)} (${error.message}); ` +
        "use the version that wrote it, or move the directory away: batches that have not expired " +
        "may then run again",
      { cause: error },
    );
  }
}

function stateIn(store: Store, { name, runtime }: OpenStateOptions): NodeState {
  const { clock, timers, log } = runtime;
  const journal = new Journal({ store, clock, timers, log });
  const restored = journal.restored();
  const known = new KnownMembers({ store, clock, timers, log, self: name });
  if (journal.interrupted > 0) {
    log.write(
      "warn",
      "batches_interrupted",
      "batches were running when the node went down: they are not run again, and are reported as " +
        "interrupted",
      { batches: journal.interrupted },
    );
  }
  const close = () => {
    known.close();
    journal.close();
    store.close();
  };
  return { batches: journal, restored, known, close };
}

function checkLayout(store: Store): void {
  const version = store.query("PRAGMA user_version")[0]?.user_version;
  if (version === LAYOUT_VERSION) return;
  if (version !== 0) {
    throw new WireError("bad_version", `layout version ${version}, expected ${LAYOUT_VERSION}`);
  }
  store.run(`PRAGMA user_version = ${LAYOUT_VERSION}`);
}
