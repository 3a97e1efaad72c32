/**
 * Results on their way home, at the node that has them: each is sent again, with back-off and by
 * turns straight and through a random other member, until the origin confirms it.
 * @module
 */
import type {
  BatchId,
  ConfirmMessage,
  LocalReport,
  NodeReference,
  Report,
  RestoredReport,
} from "./types.ts";
import { encodeGossip } from "./codec.ts";
import {
  currentReference,
  type GossipContext,
  jittered,
  retryDelayMs,
  selfReference,
  sendVia,
} from "./context.ts";
import { choosePeers } from "./burst.ts";

/** After a send that failed at once the next way is tried after this, doubled each time. */
const FAILED_SEND_DELAY_MS = 200;
/** While the members hold the origin gone it is tried this seldom; when it is back, at once. */
const GONE_RETRY_MS = 600_000;
/** Reports that wait when the origin comes back, or at start, are spread over this. */
const WAKE_SPREAD_MS = 1_000;

/** One report and how far it is. */
interface Entry {
  readonly origin: NodeReference;
  readonly sinceMs: number;
  report: Report;
  /** The origin has it; only a `running` one stays here after that. */
  confirmed: boolean;
  /** Tries so far with this state. */
  attempt: number;
  /** Of the timer that counts. */
  token: number;
}

/** The reports of one node. */
export class Outbox {
  readonly #context: GossipContext;
  readonly #takeOwn: (report: Report) => void;
  readonly #entries = new Map<BatchId, Entry>();
  #bytes = 0;
  #lastToken = 0;

  /** Empty at first. `takeOwn` counts a report whose origin this node is. */
  constructor(
    options: { readonly context: GossipContext; readonly takeOwn: (report: Report) => void },
  ) {
    this.#context = options.context;
    this.#takeOwn = options.takeOwn;
  }

  /** How many reports it holds. */
  get size(): number {
    return this.#entries.size;
  }

  /** Takes what was not confirmed before a restart; `start` sends it. */
  restore(reports: Iterable<RestoredReport>): void {
    for (const { batchId, origin, passed, body } of reports) {
      this.#put(origin, { batchId, node: this.#self, state: "done", passed, body });
    }
  }

  /** Begins to send what is held. */
  start(): void {
    for (const entry of this.#entries.values()) this.#wake(entry);
  }

  /** Takes a new state of this node's part; `running` waits a little, since it may be done soon. */
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
        ...{ passed: false, body: new Uint8Array(0) },
      });
      this.#schedule(entry, this.#context.settings.runningAfterMs);
      return;
    }
    if (held?.report.state === "done") return;
    const { passed, body } = report;
    this.#try(this.#put(origin, { batchId, node: this.#self, state: "done", passed, body }));
  }

  /** The origin asks for this node's state; false where there is nothing to tell. */
  resend(batchId: BatchId): boolean {
    const entry = this.#entries.get(batchId);
    if (entry === undefined) return false;
    entry.confirmed = false;
    this.#try(entry);
    return true;
  }

  /** Takes the origin's word that it has a report. */
  confirm(message: ConfirmMessage): void {
    const entry = this.#entries.get(message.batchId);
    if (
      entry === undefined || message.node !== this.#self ||
      message.from.name !== entry.origin.name || message.state !== entry.report.state
    ) return;
    entry.token = ++this.#lastToken;
    entry.confirmed = true;
    if (message.state === "running") return;
    this.#delete(entry);
    this.#context.effects.emit({ type: "report_confirmed", batchId: message.batchId });
  }

  /** Takes a timer back. */
  fire(timer: { readonly batchId: BatchId; readonly token: number }): void {
    const entry = this.#entries.get(timer.batchId);
    if (entry !== undefined && entry.token === timer.token && !entry.confirmed) this.#try(entry);
  }

  /** To be called when a member is alive (again): what waits for it is sent soon. */
  memberAlive(name: string): void {
    for (const entry of this.#entries.values()) {
      if (entry.origin.name === name && !entry.confirmed) this.#wake(entry);
    }
  }

  /** Gives up on what has waited too long. */
  expire(): void {
    const limit = this.#context.clock.nowMs() - this.#context.settings.reportKeepMs;
    for (const entry of this.#entries.values()) {
      if (entry.sinceMs <= limit && entry.report.state === "done") this.#abandon(entry);
    }
  }

  get #self(): string {
    return this.#context.peers.self.name;
  }

  #put(origin: NodeReference, report: Report): Entry {
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
    this.#bytes += report.body.length;
    const { maxReports, maxReportBytes } = this.#context.settings;
    for (const oldest of this.#entries.values()) {
      if (this.#entries.size <= maxReports && this.#bytes <= maxReportBytes) break;
      if (oldest !== entry) this.#abandon(oldest);
    }
    return entry;
  }

  #delete(entry: Entry): void {
    if (!this.#entries.delete(entry.report.batchId)) return;
    this.#bytes -= entry.report.body.length;
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
    this.#context.effects.emit({ type: "report_abandoned", batchId });
  }

  /** What a node owes to itself after a restart takes no way that could fail. */
  #settleOwn(entry: Entry): void {
    this.#takeOwn(entry.report);
    this.#delete(entry);
    const { batchId } = entry.report;
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
    const leastMs = this.#isGone(entry.origin) ? jittered(GONE_RETRY_MS, context.random) : 0;
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
      // In a long queue the retries would come faster than their turns.
      key: `report ${entry.report.batchId} ${entry.report.state}`,
      done: (ok) => {
        if (ok || entry.token !== token) return;
        const delayMs = FAILED_SEND_DELAY_MS * 2 ** Math.min(attempt, 20);
        const pauseMs = jittered(Math.min(delayMs, context.settings.retryMaxMs), context.random);
        this.#schedule(entry, Math.max(leastMs, pauseMs));
      },
    });
  }

  /** Whether the members hold it failed or left, or do not know it. */
  #isGone(origin: NodeReference): boolean {
    const state = this.#context.peers.peer(origin.name)?.state ?? "left";
    return state === "dead" || state === "left";
  }
}
