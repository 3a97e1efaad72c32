/**
 * Authorization on one node: trusted keys, policy, audit log and the token of clients. It is opened before
 * the node accepts anything.
 * @module
 */
import type { Batch } from "../batch/batch.ts";
import type { BatchId } from "../batch/id.ts";
import { formatAddress, isLoopback } from "../address.ts";
import { GossipcheckError, UsageError } from "../errors.ts";
import type { BatchRefused } from "../gossip/types.ts";
import { AUDIT_FILE_MAX_BYTES } from "../limits.ts";
import type { Address, AppendFile, Clock, Log, Random, Timers } from "../runtime.ts";
import { AuditLog } from "./audit.ts";
import type { Policy } from "./policy.ts";
import { type AcceptedBatch, AuditTrail } from "./audit_trail.ts";
import { type ClientToken, clientToken } from "./client_token.ts";
import {
  type CheckTypeTraits,
  networkActionsRefusal,
  nodePolicy,
  type PolicyFlags,
} from "./node_policy.ts";
import { RunRules } from "./run_rules.ts";
import { TrustGate } from "./gate.ts";

/** How to give a daemon a token. */
const TOKEN_REMEDY = "keep state (-state-dir) or give -token-file";

/** The operator's choices about who may do what. */
export interface TrustSettings extends PolicyFlags {
  /** The file of the keys whose batches run; absent if every batch is accepted. */
  readonly trustedKeysFile?: string;
  /** The file of the token that clients must know; absent for the one in the state directory. */
  readonly tokenFile?: string;
  /** The cluster's key, in base64. */
  readonly encryptionKey?: string;
  /** The file of the cluster's keys. */
  readonly keyringFile?: string;
  /** Whether a node with a key also accepts traffic that is not encrypted. Default `refuse`. */
  readonly plaintext?: "refuse" | "accept" | "send";
  /** Whether the operator accepts commands from anybody. */
  readonly insecure?: boolean;
}

/** What of the machine trust needs. */
export interface TrustRuntime {
  /** Signed batches are valid for a time. */
  readonly clock: Clock;
  /** Bounds the rate of records. */
  readonly timers: Timers;
  /** For a new token. */
  readonly random: Random;
  /** Says who may do what. */
  readonly log: Log;
  /**
   * The text of a file that says what may run here or who may order it. Raises `UsageError` if others
   * than its owner can write it, and if there is none.
   */
  readonly readRulesFile: (path: string) => string;
  /**
   * The text of a file that holds a secret; undefined if there is none. Raises `UsageError` if others
   * than its owner can read or write it.
   */
  readonly readSecretFile: (path: string) => string | undefined;
  /** Makes a secret's file, whole or not at all, for its owner alone. Raises `UsageError` if it exists. */
  readonly createSecretFile: (path: string, text: string) => void;
  /** Removes what a crash left of `createSecretFile`. Raises `UsageError`. */
  readonly removeUnfinishedSecretFile: (path: string) => void;
  /** The path of a file in the state directory of the node `name`; undefined if nothing is kept. */
  readonly stateFile: (options: { name: string; file: string }) => string | undefined;
  /** Opens a file that is only ever appended to, and rotated. Raises `HostError`. */
  readonly openAppendFile: (path: string) => AppendFile;
}

/** What a `Trust` is made of. */
export interface TrustOptions {
  /** This node. */
  readonly name: string;
  /** Where it listens for others. */
  readonly bound: Address;
  /** Where it listens for `gcheck`; undefined if it does not. */
  readonly clients: Address | undefined;
  /** What the operator chose. */
  readonly settings: TrustSettings;
  /** The check types of this version. */
  readonly checkTypes: readonly CheckTypeTraits[];
  /** What it runs on. */
  readonly runtime: TrustRuntime;
}

/** Authorization on one node, from start to `close`. */
export class Trust {
  readonly #options: TrustOptions;
  readonly #gate: TrustGate;
  readonly #trail: AuditTrail;
  readonly #networkActionsRefusal: string | undefined;

  /** The policy for batches. */
  readonly policy: Policy;
  /** The token of clients; undefined if every user of the machine can command this node. */
  readonly token: ClientToken | undefined;

  /**
   * Reads the files that the flags name, creates the token if there is none and opens the audit log. Raises
   * `UsageError` and `HostError`; then nothing is left open.
   */
  constructor(options: TrustOptions) {
    const { name, bound, clients, settings, runtime } = options;
    const { clock, timers, random, log, readRulesFile } = runtime;
    this.#options = options;
    this.policy = nodePolicy(settings, { readRulesFile, knownTypes: options.checkTypes });
    this.#gate = new TrustGate({ file: settings.trustedKeysFile, readRulesFile, clock });
    const { insecure = false, plaintext = "refuse" } = settings;
    const hasKey = (settings.encryptionKey ?? settings.keyringFile) !== undefined;
    const onlyEncrypted = hasKey && plaintext === "refuse";
    this.#networkActionsRefusal = networkActionsRefusal({ bound, onlyEncrypted, insecure });
    this.token = clients && clientToken({
      named: settings.tokenFile,
      own: runtime.stateFile({ name, file: "token" }),
      files: {
        read: runtime.readSecretFile,
        create: runtime.createSecretFile,
        removeUnfinished: runtime.removeUnfinishedSecretFile,
      },
      random,
    });
    this.#mustNotBeOpen();
    this.#trail = new AuditTrail({
      file: this.#openAudit(),
      signerOf: (batch) => this.#gate.signerOf(batch),
      ...{ log, clock, timers },
    });
  }

  /** The rules for batches that run here. `isOwn` says whether this node's own client sent a batch. */
  rules({ isOwn }: { isOwn: (batchId: BatchId) => boolean }): RunRules {
    return new RunRules({
      trail: this.#trail,
      admit: (batch) => this.admit(batch),
      networkActionsRefusal: this.#networkActionsRefusal,
      isOwn,
    });
  }

  /** The name of the trusted key that an accepted batch is signed by; undefined if all are accepted. */
  signerOf(batch: Batch): string | undefined {
    return this.#gate.signerOf(batch);
  }

  /** Why a batch is refused: neither run nor forwarded; undefined if it is accepted. */
  admit(batch: Batch): string | undefined {
    return this.#gate.judge(batch).refusal;
  }

  /** Records that a batch was accepted. */
  accepted(batch: Batch, details: AcceptedBatch): void {
    this.#trail.accepted(batch, details);
  }

  /** Records that a batch was refused. */
  refused(event: BatchRefused): void {
    this.#trail.refused(event);
  }

  /** Reads the trusted keys and opens the audit log again. Never throws. */
  reload(): void {
    const { runtime: { log }, settings: { trustedKeysFile } } = this.#options;
    this.#trail.reopen();
    if (trustedKeysFile === undefined) return;
    try {
      this.#gate.reload();
    } catch (error) {
      if (!(error instanceof GossipcheckError)) throw error;
      const kept = `${error.message}; the keys from before stay trusted`;
      return log.write("error", "trusted_keys_failed", kept);
    }
    log.write(
      "info",
      "trusted_keys",
      `batches run only if one of these keys signed them: ${trustedKeysFile}`,
      {
        keys: this.#gate.size,
      },
    );
  }

  /** Logs, at the start, what the flags mean for authorization. */
  logStart(): void {
    const { runtime: { log }, settings } = this.#options;
    if (this.#options.clients !== undefined && this.token === undefined) {
      const who = isLoopback(this.#options.clients.host)
        ? "any local user"
        : "anyone who can reach it";
      const text = `${who} can command this daemon: it has no token; ${TOKEN_REMEDY}`;
      log.write("warn", "clients_unchecked", text);
    }
    if (this.#networkActionsRefusal !== undefined) {
      log.write("warn", "network_actions_refused", this.#networkActionsRefusal);
    }
    if ((settings.plaintext ?? "refuse") !== "refuse") {
      const text =
        `this node accepts traffic that is not encrypted (-plaintext ${settings.plaintext})`;
      log.write("warn", "plaintext_accepted", text);
    }
    if (settings.trustedKeysFile !== undefined) {
      const text = `batches run only if one of these keys signed them: ${settings.trustedKeysFile}`;
      log.write("info", "trusted_keys", text, { keys: this.#gate.size });
    }
    if (this.#auditPath() === undefined) {
      const text = "no audit log is kept of what runs here (-state-dir none)";
      log.write("warn", "audit_not_kept", text);
    }
  }

  /** Records the refusals that were only counted and closes the audit log. */
  close(): void {
    this.#trail.close();
  }

  /** Without a token, clients of other machines are refused unless the operator allows it. */
  #mustNotBeOpen(): void {
    const { clients, settings } = this.#options;
    if (clients === undefined || this.token !== undefined || settings.insecure) return;
    if (isLoopback(clients.host)) return;
    throw new UsageError(
      `flag -cli-bind: ${formatAddress(clients)} is reached from other machines, and without a ` +
        `token anyone who can reach it can command this daemon: ${TOKEN_REMEDY}, or give -insecure`,
    );
  }

  #auditPath(): string | undefined {
    const { name, runtime } = this.#options;
    return runtime.stateFile({ name, file: "audit.log" });
  }

  #openAudit(): AuditLog | undefined {
    const { runtime } = this.#options;
    const path = this.#auditPath();
    return path === undefined ? undefined : new AuditLog({
      file: runtime.openAppendFile(path),
      clock: runtime.clock,
      maxBytes: AUDIT_FILE_MAX_BYTES,
    });
  }
}
