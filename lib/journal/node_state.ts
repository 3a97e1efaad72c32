/**
 * What of a node survives a restart, opened before it joins anything and closed at the very end.
 * @module
 */
import { StoreError, WireError } from "../errors.ts";
import type { RestoredState } from "../gossip/types.ts";
import type { Store } from "../runtime.ts";
import { type BatchStore, MemoryBatchStore } from "./batch_store.ts";
import { Journal } from "./journal.ts";
import { JOURNAL_SCHEMA } from "./schema.ts";
import { KNOWN_MEMBERS_SCHEMA, KnownMembers } from "./known_members.ts";
import type { DaemonRuntime } from "../daemon/settings.ts";

/** What one node keeps. */
export interface NodeState {
  /** Batches and this node's outcomes. */
  readonly batches: BatchStore;
  /** What dissemination starts from; absent where nothing is kept. */
  readonly restored?: RestoredState;
  /** Where to find the cluster again; absent where nothing is kept. */
  readonly known?: KnownMembers;
  /** Writes what has not been written and lets go of the lock. */
  close(): void;
}

/** What the state of the node `name` is opened on. */
export interface OpenStateOptions {
  /** The node. */
  readonly name: string;
  /** What it runs on. */
  readonly runtime: Pick<DaemonRuntime, "openStore" | "clock" | "timers" | "log">;
}

/** The layout of the tables; a release that changes it knows the older ones. */
const LAYOUT_VERSION = 1;

/** Opens a node's state. Raises `StoreError` and `UsageError`; then nothing is left open. */
export function openState({ name, runtime }: OpenStateOptions): NodeState {
  const schema = [...JOURNAL_SCHEMA, ...KNOWN_MEMBERS_SCHEMA];
  const store = runtime.openStore({ name, schema });
  if (store === undefined) {
    runtime.log.write(
      "warn",
      "state_not_kept",
      "nothing survives a restart (-state-dir none): batches still valid may then run again, " +
        "results that are not home are lost, and -peers is needed to join again",
    );
    return { batches: new MemoryBatchStore(), close: () => {} };
  }
  try {
    checkLayout(store);
    return stateIn(store, { name, runtime });
  } catch (error) {
    store.close();
    if (!(error instanceof WireError)) throw error;
    throw new StoreError(
      `the state of node ${JSON.stringify(name)} is not readable by this release ` +
        `(${error.message}); go back to the one that wrote it, or move the directory away and ` +
        "accept that batches still valid may run again",
      { cause: error },
    );
  }
}

function stateIn(store: Store, { name, runtime }: OpenStateOptions): NodeState {
  const { clock, timers, log } = runtime;
  const journal = new Journal({ store, clock });
  const restored = journal.restored();
  const known = new KnownMembers({ store, clock, timers, log, self: name });
  if (journal.interrupted > 0) {
    log.write(
      "warn",
      "batches_interrupted",
      "the node went down while batches ran: nothing of them is started again, and their results " +
        "say so",
      { batches: journal.interrupted },
    );
  }
  const close = () => {
    known.close();
    store.close();
  };
  return { batches: journal, restored, known, close };
}

function checkLayout(store: Store): void {
  const version = store.query("PRAGMA user_version")[0]?.user_version;
  if (version === LAYOUT_VERSION) return;
  if (version !== 0) {
    throw new WireError("bad_version", `its layout is ${version}, expected ${LAYOUT_VERSION}`);
  }
  store.run(`PRAGMA user_version = ${LAYOUT_VERSION}`);
}
