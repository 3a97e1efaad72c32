/**
 * Changes of this node's encryption keys by an operator: install, use, remove, list.
 *
 * An operation reaches a node once, but possibly late and in another order than it was issued in. So
 * two rules hold. An operation is idempotent: to install, use or remove a key that is installed, used
 * or removed already is a success. And of the operations on one key, and of those that choose the
 * primary key, only the newest counts, by the ids of their batches, which sort by time of issue: an
 * installation that comes after a later removal fails and changes nothing. Failed operations count as
 * well. After a restart this state is rebuilt from the batches that history still holds: one that is
 * gone from there cannot come again, because all expire after the same time.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import { readBody } from "../batch/body.ts";
import type { BatchId } from "../batch/id.ts";
import { BoundedMap } from "../bounded_map.ts";
import { fingerprintOf } from "../encryption_key.ts";
import { GossipcheckError, UsageError } from "../errors.ts";
import type { KeyOperation } from "../batch/key_operation.ts";
import type { Report } from "../batch/report.ts";
import { KEYRING_MAX_KEYS } from "../limits.ts";
import type { Log } from "../runtime.ts";
import { formatKeyringFile, Keyring } from "../wire/keyring.ts";

/** Keys whose newest operation is remembered; far more than are changed until operations expire. */
const REMEMBERED_MAX = 1_000;

/** What a `KeyChanges` is made of. */
export interface KeyChangesOptions {
  /** The keys of this node; absent if the cluster does not encrypt. */
  readonly keyring: Keyring | undefined;
  /** The file that they came from; absent if a flag gave them. */
  readonly file: string | undefined;
  /** Whether this node accepts traffic that is not encrypted: then anybody could change its keys. */
  readonly acceptPlaintext?: boolean;
  /** Replaces the text of a secret's file, whole or not at all. Raises `HostError`. */
  readonly writeFile: (path: string, text: string) => void;
  /** Logs changes, by fingerprint. */
  readonly log: Log;
}

/** Carries out key operations on one node. Every change is in the file before it takes effect. */
export class KeyChanges {
  readonly #options: KeyChangesOptions;
  readonly #newestByKey = new BoundedMap<string, BatchId>({ max: REMEMBERED_MAX });
  #newestUse: BatchId = "";

  /** Knows no operation yet. */
  constructor(options: KeyChangesOptions) {
    this.#options = options;
  }

  /** Why none may be issued here; `undefined` if they may. */
  refusal(): string | undefined {
    if (this.#options.keyring !== undefined) return undefined;
    return "this cluster does not encrypt, so it has no keys: start its nodes with -keyring-file";
  }

  /** Learns the newest operations from batches that this node had accepted before it restarted. */
  remember(batches: Iterable<Batch>): void {
    for (const batch of batches) {
      const body = readBody(batch.body);
      if (body.type === "keys") this.#isSuperseded(body.operation, batch.id);
    }
  }

  /** Carries out the operation of a batch, and returns the report. */
  run(operation: KeyOperation, batchId: BatchId): Report {
    try {
      return this.#carryOut(operation, batchId);
    } catch (error) {
      if (!(error instanceof GossipcheckError)) throw error;
      const status = error instanceof UsageError ? "fail" : "error";
      return { type: "keys", outcome: { status, reason: error.message } };
    }
  }

  #carryOut(operation: KeyOperation, id: BatchId): Report {
    const { keyring } = this.#options;
    if (keyring === undefined) throw new UsageError("this node does not encrypt: it has no keys");
    const passed = { type: "keys", outcome: { status: "pass" } } as const;
    if (operation.type === "list") {
      const held = keyring.keys().map(fingerprintOf);
      return { ...passed, listing: { primary: fingerprintOf(keyring.primary()), held } };
    }
    if (this.#options.acceptPlaintext) {
      throw new UsageError("this node accepts plaintext: restart it without -plaintext first");
    }
    if (this.#isSuperseded(operation, id)) {
      throw new UsageError("a newer operation was here first; this one changes nothing");
    }
    const changed = new Keyring({ keys: keyring.keys() });
    change(changed, operation);
    if (namesOf(changed) !== namesOf(keyring)) this.#keep(keyring, changed);
    return passed;
  }

  #keep(keyring: Keyring, changed: Keyring): void {
    const { file, writeFile, log } = this.#options;
    if (file === undefined) {
      throw new UsageError("this node has its key from -encrypt: it needs a -keyring-file to keep");
    }
    writeFile(file, formatKeyringFile(changed.keys()));
    keyring.replace(changed.keys());
    log.write("info", "keys_changed", "the cluster's keys were changed here", {
      encryptsWith: fingerprintOf(keyring.primary()),
      keys: namesOf(keyring),
    });
  }

  /** Whether a newer operation than that of `id` is known; if not, that one becomes the newest. */
  #isSuperseded(operation: KeyOperation, id: BatchId): boolean {
    if (operation.type === "list") return false;
    if (operation.type === "use") {
      if (this.#newestUse > id) return true;
      this.#newestUse = id;
      return false;
    }
    const key = operation.type === "install" ? fingerprintOf(operation.key) : operation.fingerprint;
    if ((this.#newestByKey.get(key) ?? "") > id) return true;
    this.#newestByKey.set(key, id);
    return false;
  }
}

function namesOf(keyring: Keyring): string {
  return keyring.keys().map(fingerprintOf).join(",");
}

/** Applies an operation. Raises `UsageError` if it does not fit the keyring. */
function change(keyring: Keyring, operation: Exclude<KeyOperation, { type: "list" }>): void {
  if (operation.type === "install") {
    keyring.add(operation.key);
    if (keyring.keys().length <= KEYRING_MAX_KEYS) return;
    throw new UsageError(`the keyring has ${KEYRING_MAX_KEYS} keys, its maximum: remove one first`);
  }
  const { type, fingerprint } = operation;
  const key = keyring.keys().find((each) => fingerprintOf(each) === fingerprint);
  if (type === "use") {
    if (key !== undefined) return keyring.use(key);
    throw new UsageError(`key ${fingerprint} is not on this node: install it first`);
  }
  if (key === undefined) return;
  if (key !== keyring.primary()) return keyring.remove(key);
  throw new UsageError(`this node encrypts with key ${fingerprint}: use another one first`);
}
