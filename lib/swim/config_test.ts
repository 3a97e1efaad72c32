/** The formulas are compared with values of memberlist's own tests and documentation. */
import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../errors.ts";
import {
  LAN_SETTINGS,
  LOCAL_SETTINGS,
  pushPullScale,
  retransmitLimit,
  suspicionDurationMs,
  suspicionTimeoutMs,
  validateSettings,
  WAN_SETTINGS,
  wantedConfirmations,
} from "./config.ts";

Deno.test("suspicionTimeoutMs follows memberlist's", () => {
  const table = [[5, 1000], [10, 1000], [50, 1698], [100, 2000], [500, 2698], [1000, 3000]];
  for (const [members, expected] of table) {
    const timeout = suspicionTimeoutMs({ mult: 3, members: members!, intervalMs: 1_000 });
    assertEquals(Math.floor(timeout / 3), expected, `${members} members`);
  }
  assertEquals(suspicionTimeoutMs({ mult: 4, members: 0, intervalMs: 1_000 }), 4_000);
});

Deno.test("retransmitLimit follows memberlist's", () => {
  for (const [mult, members, expected] of [[3, 0, 0], [3, 1, 3], [3, 99, 6], [4, 1000, 16]]) {
    assertEquals(retransmitLimit(mult!, members!), expected, `${members} members`);
  }
});

Deno.test("pushPullScale follows memberlist's", () => {
  const table = [[0, 1], [32, 1], [33, 2], [64, 2], [65, 3], [128, 3], [1000, 6]];
  for (const [members, expected] of table) {
    assertEquals(pushPullScale(1_000, members!), expected! * 1_000, `${members} members`);
  }
});

Deno.test("suspicionDurationMs follows memberlist's table", () => {
  const table = [[0, 30_000], [1, 16_000], [2, 7_810], [3, 2_000], [4, 2_000], [5, 2_000]];
  for (const [confirmations, expected] of table) {
    const input = { confirmations: confirmations!, wanted: 3, minMs: 2_000, maxMs: 30_000 };
    assertEquals(suspicionDurationMs(input), expected, `${confirmations} confirmations`);
  }
  const unconfirmed = { confirmations: 0, wanted: 1, minMs: 2_000, maxMs: 30_000 };
  assertEquals(suspicionDurationMs(unconfirmed), 30_000, "one confirmation is wanted");
  const alone = { confirmations: 0, wanted: 0, minMs: 2_000, maxMs: 30_000 };
  assertEquals(suspicionDurationMs(alone), 2_000, "no confirmation is wanted");
});

Deno.test("wantedConfirmations is 0 if too few other members can confirm", () => {
  for (const [members, expected] of [[1, 0], [2, 0], [3, 0], [4, 2], [100, 2]]) {
    assertEquals(wantedConfirmations(4, members!), expected, `${members} members`);
  }
  assertEquals(wantedConfirmations(1, 100), 0);
});

Deno.test("every preset is valid", () => {
  for (const settings of [LAN_SETTINGS, WAN_SETTINGS, LOCAL_SETTINGS]) validateSettings(settings);
});

Deno.test("minimum and maximum of a setting are valid", () => {
  const lowest = { suspicionMult: 1, gossipNodes: 1, indirectChecks: 0, applicationShare: 0 };
  const highest = { suspicionMult: 100, gossipNodes: 32, indirectChecks: 32, applicationShare: 1 };
  for (const changes of [lowest, highest, { delegateMin: 5, delegateMax: 5 }]) {
    validateSettings({ ...LAN_SETTINGS, ...changes });
  }
});

Deno.test("validateSettings names settings that are out of range or contradict each other", () => {
  const table = [
    [{ probeIntervalMs: 5 }, "probeIntervalMs is 5"],
    [{ suspicionMult: Number.NaN }, "suspicionMult is NaN"],
    [{ applicationShare: 1.5 }, "applicationShare is 1.5"],
    [{ probeTimeoutMs: 2_000 }, "probeTimeoutMs (2000) is above probeIntervalMs (1000)"],
    [{ delegateMin: 6 }, "delegateMin (6) is above delegateMax (5)"],
  ] as const;
  for (const [changes, message] of table) {
    assertThrows(() => validateSettings({ ...LAN_SETTINGS, ...changes }), UsageError, message);
  }
});
