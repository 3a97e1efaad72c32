/**
 * The interface of output formats: a format turns the events of a command into text. Each format is
 * one file in `outputs/` and one line in `outputs/registry.ts`.
 * @module
 */
import type { CheckResult } from "../batch/check.ts";
import type { BatchLine, MemberLine } from "../client/protocol.ts";
import type { Problem } from "../errors.ts";
import type { BatchReport } from "./batch_view.ts";

/** What a command shows, by type. */
export type OutputEvent =
  /** `check -no-wait`: the daemon accepted the batch. The only event of that command. */
  | {
    readonly type: "sent";
    readonly batchId: string;
  }
  /** A member reported. At most one event per member, before `report`. */
  | {
    readonly type: "answered";
    /** Absent for `local-check`. */
    readonly batchId?: string;
    readonly node: string;
    readonly results: readonly CheckResult[];
  }
  /** The batch is complete, or the wait for it ended. */
  | {
    readonly type: "report";
    readonly report: BatchReport;
    /** Whether to show passing outcomes too. */
    readonly showPassing: boolean;
    /** The command that shows later results; absent if all members reported. */
    readonly seeLater?: string;
  }
  /** `list-members`. */
  | {
    readonly type: "members";
    /** Sorted by name. */
    readonly members: readonly MemberLine[];
  }
  /** `results` without an id. */
  | {
    readonly type: "batches";
    /** Newest first. */
    readonly batches: readonly BatchLine[];
    /** Now, in Unix milliseconds, for their ages. */
    readonly nowMs: number;
  }
  /** `cancel`: the daemon accepted the cancellation. */
  | {
    readonly type: "cancelled";
    readonly batchId: string;
    /** The command that shows the results. */
    readonly seeLater: string;
  }
  /** `keygen`. */
  | {
    readonly type: "key_made";
    /** The file that holds the key; undefined if the key is to be printed. */
    readonly file: string | undefined;
    /** The content of a key file: a secret. */
    readonly text: string;
    /** The fingerprint of a cluster key. */
    readonly fingerprint?: string;
    /** For a signing key, its line for a file of `-trusted-keys`. */
    readonly trusted?: string;
  }
  /** `validate`. */
  | {
    readonly type: "validated";
    /** The value of `-file`, or `stdin`. */
    readonly file: string;
    /** The names of its checks; empty if it has errors. */
    readonly checks: readonly string[];
    readonly problems: readonly Problem[];
    /** The problems, each as one line for people. */
    readonly lines: readonly string[];
  };

/** Options of `OutputFormat.write`. */
export interface OutputOptions {
  /** Whether to use colors. */
  readonly color: boolean;
}

/** One output format of `gcheck`. */
export interface OutputFormat {
  /** Its name for `-output`. */
  readonly name: string;
  /** What it prints, in a few words, for help. */
  readonly summary: string;
  /** Formats an event as text that ends in a newline; empty if the event prints nothing. */
  write(event: OutputEvent, options: OutputOptions): string;
}
