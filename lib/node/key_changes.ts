/**
 * What this node does with its keys when the operator says so: install, use, remove, list.
 *
 * An operation reaches a node once, but possibly late and in another order than it was issued in.
 * So each is held to two rules. It is idempotent: a key that is there already, is used already or is
 * gone already is a success. And of the operations on one key, and of those that say which key to
 * use, only the newest counts, by the ids of their batches, which sort by time of issue: an
 * installation that comes after a later removal changes nothing and says so. An operation that was
 * refused counts as well. What must be known for it, fingerprints and ids, is rebuilt after a
 * restart from the batches that history still has: none that is gone from there can come again,
 * since all expire after the same time.
 * @module
 */
import type { CheckResult, Outcome } from "../checks/check.ts";
import { fingerprintOf } from "../encryption_key.ts";
import { GossipcheckError, UsageError, WireError } from "../errors.ts";
import type { Batch, BatchId } from "../gossip/types.ts";
import {
  decodeKeyOperation,
  KEY_OPERATION_CHECK,
  type KeyOperation,
  listingToChecks,
} from "../batch/key_operation.ts";
import { KEYRING_MAX_KEYS } from "../limits.ts";
import type { Log } from "../runtime.ts";
import { formatKeyringFile, Keyring } from "../wire/keyring.ts";

/** Keys whose newest operation is remembered; far more than anyone changes within their expiry. */
const REMEMBERED_MAX = 1_000;

/** What a `KeyOperations` is made of. */
export interface KeyOperationsOptions {
  /** The keys that this node seals and opens with; absent where the cluster does not encrypt. */
  readonly keyring: Keyring | undefined;
  /** The file that they came from; absent where a flag gave them. */
  readonly file: string | undefined;
  /** Puts a text in a secret's file in place of what is there, whole or not at all. Raises `HostError`. */
  readonly writeFile: (path: string, text: string) => void;
  /** Says what was changed, by fingerprint. */
  readonly log: Log;
}

/** Carries out key operations on one node. Every change is in the file before it counts. */
export class KeyOperations {
  readonly #options: KeyOperationsOptions;
  readonly #newestByKey = new Map<string, BatchId>();
  #newestUse: BatchId = "";

  /** Knows of no operation yet. */
  constructor(options: KeyOperationsOptions) {
    this.#options = options;
  }

  /** Why none may be issued here; `undefined` where they may. */
  refusal(): string | undefined {
    if (this.#options.keyring !== undefined) return undefined;
    return "this cluster does not encrypt, so it has no keys: start its nodes with -keyring-file";
  }

  /** Learns which operations are behind, from batches that this node had taken before it restarted. */
  remember(batches: Iterable<Batch>): void {
    for (const batch of batches) {
      const operation = readable(batch);
      if (operation !== undefined) this.#isSuperseded(operation, batch.id);
    }
  }

  /**
   * What came of a batch that is a key operation; `undefined` where it is none. Where `signal` has
   * aborted, nothing is done, and its reason is told.
   */
  run(
    batch: Pick<Batch, "id" | "body">,
    signal?: AbortSignal,
  ): readonly CheckResult[] | undefined {
    try {
      const operation = decodeKeyOperation(batch.body);
      if (operation === undefined) return undefined;
      if (signal?.aborted) return [result({ status: "skipped", reason: String(signal.reason) })];
      return this.#carryOut(operation, batch.id);
    } catch (error) {
      if (!(error instanceof GossipcheckError)) throw error;
      const status = error instanceof UsageError ? "fail" : "error";
      return [result({ status, reason: error.message })];
    }
  }

  #carryOut(operation: KeyOperation, id: BatchId): readonly CheckResult[] {
    const { keyring } = this.#options;
    if (keyring === undefined) throw new UsageError("this node does not encrypt: it has no keys");
    if (operation.type === "list") {
      const held = keyring.keys().map(fingerprintOf);
      const checks = listingToChecks({ sealing: fingerprintOf(keyring.primary()), held });
      return checks.map((check) => result({ status: "pass" }, check));
    }
    if (this.#isSuperseded(operation, id)) {
      throw new UsageError("a newer operation was here first; this one changes nothing");
    }
    const changed = new Keyring({ keys: keyring.keys() });
    change(changed, operation);
    if (namesOf(changed) !== namesOf(keyring)) this.#keep(keyring, changed);
    return [result({ status: "pass" })];
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

  /** Whether a newer operation than that of `id` is known; where not, that one is the newest now. */
  #isSuperseded(operation: KeyOperation, id: BatchId): boolean {
    if (operation.type === "list") return false;
    if (operation.type === "use") {
      if (this.#newestUse > id) return true;
      this.#newestUse = id;
      return false;
    }
    const key = operation.type === "install" ? fingerprintOf(operation.key) : operation.fingerprint;
    if ((this.#newestByKey.get(key) ?? "") > id) return true;
    this.#newestByKey.delete(key);
    this.#newestByKey.set(key, id);
    const [oldest] = this.#newestByKey.keys();
    if (this.#newestByKey.size > REMEMBERED_MAX && oldest !== undefined) {
      this.#newestByKey.delete(oldest);
    }
    return false;
  }
}

function namesOf(keyring: Keyring): string {
  return keyring.keys().map(fingerprintOf).join(",");
}

/** Raises `UsageError` where the keyring would be no good for it. */
function change(keyring: Keyring, operation: Exclude<KeyOperation, { type: "list" }>): void {
  if (operation.type === "install") {
    keyring.add(operation.key);
    if (keyring.keys().length <= KEYRING_MAX_KEYS) return;
    throw new UsageError(`the keyring has ${KEYRING_MAX_KEYS} keys, the most: remove one first`);
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

function readable(batch: Batch): KeyOperation | undefined {
  try {
    return decodeKeyOperation(batch.body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return undefined;
  }
}

function result(outcome: Outcome, check = KEY_OPERATION_CHECK): CheckResult {
  return { check, outcome, durationMs: 0 };
}
