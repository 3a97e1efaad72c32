/**
 * Everything that keeps this node from doing what nobody entitled has asked for, opened before it
 * listens to anyone.
 * @module
 */
import { formatAddress, isLoopback } from "../address.ts";
import { GossipcheckError, UsageError } from "../errors.ts";
import type { Batch, BatchId, GossipEvent } from "../gossip/types.ts";
import { AUDIT_FILE_MAX_BYTES } from "../limits.ts";
import type { Address } from "../runtime.ts";
import { AuditLog } from "./audit.ts";
import type { Policy } from "./policy.ts";
import { AuditTrail } from "./audit_trail.ts";
import { type ClientToken, clientToken } from "./client_token.ts";
import { networkActionsRefusal, nodePolicy } from "./node_policy.ts";
import { RunRules } from "./run_rules.ts";
import type { DaemonRuntime, NodeSettings } from "../daemon/settings.ts";
import { TrustGate } from "./gate.ts";

/** How a daemon comes to have a token. */
const TOKEN_REMEDY = "keep state (-state-dir) or give -token-file";

/** What a `Trust` is made of. */
export interface TrustOptions {
  /** This node. */
  readonly name: string;
  /** Where it listens for others. */
  readonly bound: Address;
  /** Where it listens for `gcheck`; undefined where it does not. */
  readonly clients: Address | undefined;
  /** What the operator chose. */
  readonly settings: NodeSettings;
  /** What it runs on. */
  readonly runtime: DaemonRuntime;
}

/** One node's rules and their record, from start to `close`. */
export class Trust {
  readonly #options: TrustOptions;
  readonly #gate: TrustGate;
  readonly #trail: AuditTrail;
  readonly #networkActionsRefusal: string | undefined;

  /** What batches may do here. */
  readonly policy: Policy;
  /** What `gcheck` must know; undefined where every user of the machine may command this node. */
  readonly token: ClientToken | undefined;

  /**
   * Reads what the flags name, makes the token where there is none and opens the audit log. Raises
   * `UsageError` and `HostError`; then nothing is left open.
   */
  constructor(options: TrustOptions) {
    const { name, bound, clients, settings, runtime } = options;
    const { clock, timers, random, log, readRulesFile } = runtime;
    this.#options = options;
    this.policy = nodePolicy(settings, { readRulesFile });
    this.#gate = new TrustGate({ file: settings.trustedKeysFile, readRulesFile, clock });
    const encrypts = (settings.encryptionKey ?? settings.keyringFile) !== undefined;
    const { insecure = false } = settings;
    this.#networkActionsRefusal = networkActionsRefusal({ bound, encrypts, insecure });
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

  /** Asked before a batch and its actions run. `isOwn`: whether this node's own client sent a batch. */
  rules({ isOwn }: { isOwn: (batchId: BatchId) => boolean }): RunRules {
    return new RunRules({
      trail: this.#trail,
      admit: (batch) => this.admit(batch),
      networkActionsRefusal: this.#networkActionsRefusal,
      isOwn,
    });
  }

  /** The name of the trusted key that an admitted batch is signed by; undefined where all are let in. */
  signerOf(batch: Batch): string | undefined {
    return this.#gate.signerOf(batch);
  }

  /** Why a batch is neither run nor forwarded; undefined where it is let in. */
  admit(batch: Batch): string | undefined {
    return this.#gate.judge(batch).refusal;
  }

  /** Records what dissemination tells of batches taken and refused. */
  notice(event: GossipEvent): void {
    if (event.type === "batch_accepted") {
      this.#trail.taken(event.batch, { runsHere: event.targeted });
    } else if (event.type === "batch_refused") {
      this.#trail.refused(event);
    }
  }

  /** Reads the trusted keys anew and opens the audit log anew. Never throws. */
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
    log.write("info", "trusted_keys", `batches run where one of these signed: ${trustedKeysFile}`, {
      keys: this.#gate.size,
    });
  }

  /** Says what the flags mean for who may do what; each once, at the start. */
  logStart(): void {
    const { runtime: { log }, settings } = this.#options;
    if (this.#options.clients !== undefined && this.token === undefined) {
      const who = isLoopback(this.#options.clients.host) ? "any local user" : "whoever reaches it";
      const text = `${who} can command this daemon: it has no token; ${TOKEN_REMEDY}`;
      log.write("warn", "clients_unchecked", text);
    }
    if (this.#networkActionsRefusal !== undefined) {
      log.write("warn", "network_actions_refused", this.#networkActionsRefusal);
    }
    if (settings.trustedKeysFile !== undefined) {
      const text = `batches run where one of these signed: ${settings.trustedKeysFile}`;
      log.write("info", "trusted_keys", text, { keys: this.#gate.size });
    }
    if (this.#auditPath() === undefined) {
      const text = "no audit log is kept of what runs here (-state-dir none)";
      log.write("warn", "audit_not_kept", text);
    }
  }

  /** Records what was only counted so far and closes the audit log. */
  close(): void {
    this.#trail.close();
  }

  /** Beyond this machine nobody commands a daemon without a token, unless the operator insists. */
  #mustNotBeOpen(): void {
    const { clients, settings } = this.#options;
    if (clients === undefined || this.token !== undefined || settings.insecure) return;
    if (isLoopback(clients.host)) return;
    throw new UsageError(
      `flag -cli-bind: ${formatAddress(clients)} is reached from other machines, and without a ` +
        `token whoever reaches it can command this daemon: ${TOKEN_REMEDY}, or give -insecure`,
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
