/**
 * Sends a node's reports to their origins: each with back-off, alternately directly and through a
 * random relay, until the origin confirms it.
 * @module
 */
import type { ConfirmMessage, NodeReport } from "./messages.ts";
import type { NodeReference } from "../address.ts";
import type { BatchId } from "../batch/id.ts";
import type { LocalReport, RestoredReport } from "./types.ts";
import { backoffMs, withJitter } from "../backoff.ts";
import { encodeGossip } from "./codec.ts";
import {
  currentReference,
  type GossipContext,
  retryDelayMs,
  selfReference,
  sendVia,
} from "./context.ts";
import { choosePeers } from "./burst.ts";

/** Delay after a send that failed; it doubles with each attempt. */
const FAILED_SEND_DELAY_MS = 200;
/** Delay while the origin is failed, left or unknown; when it is alive again, the report is sent at once. */
const GONE_RETRY_MS = 600_000;
/** Reports are spread over this when their origin comes back and at start. */
const WAKE_SPREAD_MS = 1_000;

/** One report on its way. */
interface Entry {
  readonly origin: NodeReference;
  readonly sinceMs: number;
  report: NodeReport;
  /** Whether the origin has confirmed it; only a `running` report is kept after that. */
  confirmed: boolean;
  /** Attempts so far with this state. */
  attempt: number;
  /** Token of the timer that is not stale. */
  token: number;
}

/** The reports of one node. */
export class Outbox {
  readonly #context: GossipContext;
  readonly #takeOwn: (report: NodeReport, saved: () => void) => void;
  readonly #entries = new Map<BatchId, Entry>();
  #bytes = 0;
  #lastToken = 0;

  /** Holds nothing yet. `takeOwn` applies a report whose origin this node is, and calls back once it is durable. */
  constructor(
    options: {
      readonly context: GossipContext;
      readonly takeOwn: (report: NodeReport, saved: () => void) => void;
    },
  ) {
    this.#context = options.context;
    this.#takeOwn = options.takeOwn;
  }

  /** How many reports it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** Restores the reports that were not confirmed before a restart; `start` sends them. */
  restore(reports: Iterable<RestoredReport>): void {
    for (const { batchId, origin, passed, report } of reports) {
      this.#put(origin, { batchId, node: this.#self, state: "done", passed, report });
    }
  }

  /** Begins to send. */
  start(): void {
    for (const entry of this.#entries.values()) this.#wake(entry);
  }

  /** Adds a report; `running` waits a moment, because `done` may follow soon. */
  add(options: {
    readonly batchId: BatchId;
    readonly origin: NodeReference;
    readonly report: LocalReport;
  }): void {
    const { batchId, origin, report } = options;
    const held = this.#entries.get(batchId);
    if (report.state === "running") {
      if (held !== undefined) return;
      const entry = this.#put(origin, {
        ...{ batchId, node: this.#self, state: "running" },
        ...{ passed: false, report: new Uint8Array(0) },
      });
      this.#schedule(entry, this.#context.settings.runningAfterMs);
      return;
    }
    if (held?.report.state === "done") return;
    const { passed } = report;
    const done = {
      batchId,
      node: this.#self,
      state: "done",
      passed,
      report: report.report,
    } as const;
    this.#try(this.#put(origin, done));
  }

  /** Sends the report on a batch again; false if there is none. */
  resend(batchId: BatchId): boolean {
    const entry = this.#entries.get(batchId);
    if (entry === undefined) return false;
    entry.confirmed = false;
    this.#try(entry);
    return true;
  }

  /** Handles `confirm`. */
  confirm(message: ConfirmMessage): void {
    const entry = this.#entries.get(message.batchId);
    if (
      entry === undefined || message.node !== this.#self ||
      message.from.name !== entry.origin.name || message.state !== entry.report.state
    ) return;
    entry.token = ++this.#lastToken;
    entry.confirmed = true;
    if (message.state === "done") this.#settle(entry);
  }

  /** Handles a timer. */
  fire(timer: { readonly batchId: BatchId; readonly token: number }): void {
    const entry = this.#entries.get(timer.batchId);
    if (entry !== undefined && entry.token === timer.token && !entry.confirmed) this.#try(entry);
  }

  /** To be called when a member is alive (again): its reports are sent soon. */
  memberAlive(name: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.origin.name === name && !entry.confirmed) this.#wake(entry);
    }
  }

  /** Gives up reports that have waited too long. */
  expire(): void {
    const limit = this.#context.clock.nowMs() - this.#context.settings.reportKeepMs;
    for (const entry of this.#entries.values()) {
      if (entry.sinceMs <= limit && entry.report.state === "done") this.#abandon(entry);
    }
  }

  get #self(): string {
    return this.#context.peers.self.name;
  }

  #put(origin: NodeReference, report: NodeReport): Entry {
    const held = this.#entries.get(report.batchId);
    if (held !== undefined) this.#delete(held);
    const entry: Entry = {
      origin,
      sinceMs: this.#context.clock.nowMs(),
      report,
      confirmed: false,
      attempt: 0,
      token: ++this.#lastToken,
    };
    this.#entries.set(report.batchId, entry);
    this.#bytes += report.report.length;
    const { maxReports, maxReportBytes } = this.#context.settings;
    for (const oldest of this.#entries.values()) {
      if (this.#entries.size <= maxReports && this.#bytes <= maxReportBytes) break;
      if (oldest !== entry) this.#abandon(oldest);
    }
    return entry;
  }

  #delete(entry: Entry): void {
    if (!this.#entries.delete(entry.report.batchId)) return;
    this.#bytes -= entry.report.report.length;
  }

  #abandon(entry: Entry): void {
    this.#delete(entry);
    const { batchId } = entry.report;
    this.#context.effects.emit({
      type: "dropped",
      reason: "too_many",
      from: entry.origin.name,
      detail: `the report on batch ${batchId} is given up: too old, or too many newer ones wait`,
    });
    this.#context.records.keep({ type: "report_settled", batchId });
    this.#context.effects.emit({ type: "report_abandoned", batchId });
  }

  /** Applies a report whose origin is this node: nothing is sent, but it must become durable too. */
  #settleOwn(entry: Entry): void {
    this.#takeOwn(entry.report, () => {
      if (this.#entries.get(entry.report.batchId) === entry) this.#settle(entry);
    });
  }

  #settle(entry: Entry): void {
    this.#delete(entry);
    if (entry.report.state === "running") return;
    const { batchId } = entry.report;
    this.#context.records.keep({ type: "report_settled", batchId });
    this.#context.effects.emit({ type: "report_confirmed", batchId });
  }

  #wake(entry: Entry): void {
    entry.attempt = 0;
    this.#schedule(entry, this.#context.random.next() * WAKE_SPREAD_MS);
  }

  #schedule(entry: Entry, delayMs: number): void {
    entry.token = ++this.#lastToken;
    const { batchId } = entry.report;
    this.#context.effects.setTimer(delayMs, { type: "report_retry", batchId, token: entry.token });
  }

  #try(entry: Entry): void {
    const context = this.#context;
    const attempt = entry.attempt++;
    if (entry.origin.name === this.#self) {
      this.#schedule(entry, retryDelayMs(context, attempt));
      return this.#settleOwn(entry);
    }
    const exclude = new Set([entry.origin.name]);
    const [relay] = attempt % 2 === 1 ? choosePeers(context, { count: 1, exclude }) : [];
    const leastMs = this.#isGone(entry.origin) ? withJitter(GONE_RETRY_MS, context.random) : 0;
    this.#schedule(entry, Math.max(leastMs, retryDelayMs(context, attempt)));
    const { token } = entry;
    sendVia(context, {
      to: currentReference(context.peers, entry.origin),
      message: encodeGossip({
        type: "report",
        from: selfReference(context.peers),
        report: entry.report,
      }),
      relay,
      // In a long queue, retries would be added faster than they are sent.
      key: `report ${entry.report.batchId} ${entry.report.state}`,
      done: (ok) => {
        if (ok || entry.token !== token) return;
        const pauseMs = backoffMs({
          attempt,
          firstMs: FAILED_SEND_DELAY_MS,
          maxMs: context.settings.retryMaxMs,
          random: context.random,
        });
        this.#schedule(entry, Math.max(leastMs, pauseMs));
      },
    });
  }

  /** Whether the origin is failed, left or unknown. */
  #isGone(origin: NodeReference): boolean {
    const state = this.#context.peers.peer(origin.name)?.state ?? "left";
    return state === "dead" || state === "left";
  }
}
