/**
 * What an output format is: events in, text out. Each is one file in `outputs/` and one line in
 * `outputs/registry.ts`.
 * @module
 */
import type { CheckResult } from "../checks/check.ts";
import type { BatchLine, MemberLine } from "../client/protocol.ts";
import type { Problem } from "../errors.ts";
import type { BatchReport } from "./batch_view.ts";

/** What a command has to show. */
export type OutputEvent =
  /** `check -no-wait`: the batch is on its way, and nothing more will be shown of it. */
  | {
    /** Tells the variants apart. */
    readonly type: "sent";
    /** The batch's id. */
    readonly batchId: string;
  }
  /** A member's outcomes are in. Comes once a member, while others are still waited for. */
  | {
    /** Tells the variants apart. */
    readonly type: "answered";
    /** Absent for checks that ran here, without a daemon. */
    readonly batchId?: string;
    /** The member's name. */
    readonly node: string;
    /** Its outcomes. */
    readonly results: readonly CheckResult[];
  }
  /** Nothing more is waited for. */
  | {
    /** Tells the variants apart. */
    readonly type: "report";
    /** All there is to say. */
    readonly report: BatchReport;
    /** Whether passing outcomes are of interest too. */
    readonly showPassing: boolean;
    /** The command that shows later results, where some are missing. */
    readonly seeLater?: string;
  }
  /** `list-members`. */
  | {
    /** Tells the variants apart. */
    readonly type: "members";
    /** Sorted by name. */
    readonly members: readonly MemberLine[];
  }
  /** `results` without an id. */
  | {
    /** Tells the variants apart. */
    readonly type: "batches";
    /** Newest first. */
    readonly batches: readonly BatchLine[];
    /** Now, in Unix milliseconds, for their ages. */
    readonly nowMs: number;
  }
  /** `cancel`: the daemon has taken it. */
  | {
    /** Tells the variants apart. */
    readonly type: "cancelled";
    /** The batch's id. */
    readonly batchId: string;
    /** The command that shows what came of it. */
    readonly seeLater: string;
  }
  /** `keygen`. */
  | {
    /** Tells the variants apart. */
    readonly type: "key_made";
    /** Where the key stands; undefined where it is to be shown. */
    readonly file: string | undefined;
    /** The secret, as it stands in a file. */
    readonly text: string;
    /** What a cluster key is called. */
    readonly fingerprint?: string;
    /** The line by which nodes trust a key that signs. */
    readonly trusted?: string;
  }
  /** `validate`. */
  | {
    /** Tells the variants apart. */
    readonly type: "validated";
    /** The file as it was given. */
    readonly file: string;
    /** The names of its checks; empty where it is bad. */
    readonly checks: readonly string[];
    /** What is wrong with it. */
    readonly problems: readonly Problem[];
    /** The same, each as one line for people. */
    readonly lines: readonly string[];
  };

/** How text may look. */
export interface OutputOptions {
  /** Whether colours are welcome. */
  readonly color: boolean;
}

/** One way to show what a command found. */
export interface OutputFormat {
  /** What `-output` calls it. */
  readonly name: string;
  /** What it is good for, in a few words. */
  readonly summary: string;
  /** The text to print for an event, with its newline; empty for none. */
  write(event: OutputEvent, options: OutputOptions): string;
}
