/**
 * Fake additions to what nodes and clients say to each other, and to what a node writes down.
 * @module
 */
import type { Addition } from "./addition.ts";

const SWIM_MESSAGE: Addition = {
  row: "a SWIM message",
  edits: [
    { file: "lib/wire/messages.ts", after: "  error: 13,\n", add: "  fake: 150,\n" },
    {
      file: "lib/wire/messages.ts",
      after: "export type NodeState = keyof typeof NODE_STATE;\n",
      add: `/** Fake: says nothing. */
export interface Fake {
  readonly type: "fake";
  /** How often. */
  readonly times: number;
}
`,
    },
    { file: "lib/wire/messages.ts", after: "export type PacketMessage =\n", add: "  | Fake\n" },
    { file: "lib/wire/messages.ts", after: "export type StreamMessage = PushPull", add: " | Fake" },
    { file: "lib/wire/codec.ts", after: '  (["ping"', add: ', "fake"' },
    {
      file: "lib/wire/codec.ts",
      after: 'ReadonlyMap<number, "ping"',
      add: ' | "fake"',
    },
    {
      file: "lib/wire/stream_reader.ts",
      after: "  switch (type) {\n",
      add: `    case MESSAGE_TYPE.fake:
      return decodeBody("fake", yield* input.value(DATAGRAM_MAX_BYTES));
`,
    },
    {
      file: "tests/support/wire_samples.ts",
      after: "  ...SAMPLES.error,\n",
      add: "  ...SAMPLES.fake,\n",
    },
  ],
  forced: [
    {
      file: "lib/wire/codec.ts",
      after: "Entry<Extract<MapMessage, { type: T }>> } = {\n",
      add: `  fake: {
    write(writer, { times }) {
      writer.map(1);
      writer.key("Times").uint(times);
    },
    read: (fields) => ({ type: "fake", times: fields.uint("Times") }),
  },
`,
    },
    {
      file: "lib/swim/membership.ts",
      after: "    switch (message.type) {\n",
      add: `      case "fake":
        return this.#node.drop("unexpected", { from, detail: \`fake \${message.times}\` });
`,
    },
    {
      file: "lib/swim/streams.ts",
      after: "    switch (message.type) {\n",
      add: '      case "fake":\n        return undefined;\n',
    },
    {
      file: "tests/support/vectors.ts",
      after: "  switch (message.type) {\n",
      add: '    case "fake":\n      return { Times: message.times };\n',
    },
    {
      file: "tests/support/wire_samples.ts",
      after: "export const SAMPLES: Samples = {\n",
      add: '  fake: [{ type: "fake", times: 3 }],\n',
    },
  ],
  tests: [
    "lib/wire/codec_test.ts",
    "lib/wire/stream_reader_test.ts",
    "lib/wire/envelope_test.ts",
    "lib/swim/membership_test.ts",
  ],
  proof: `
    const { decodePacketMessage, encodeMessage } = await import("../lib/wire/codec.ts");
    const message = { type: "fake", times: 70_000 } as const;
    assertEquals(decodePacketMessage(encodeMessage(message)), message);`,
};

const GOSSIP_MESSAGE: Addition = {
  row: "a gossip message",
  edits: [
    {
      file: "lib/gossip/messages.ts",
      after: 'import type { BatchId } from "../batch/id.ts";\n',
      add: `
/** Says nothing. */
export interface FakeMessage {
  readonly type: "fake";
  readonly from: NodeReference;
  readonly words: string;
}
`,
    },
    {
      file: "lib/gossip/messages.ts",
      after: "export type GossipMessage =\n",
      add: "  | FakeMessage\n",
    },
  ],
  forced: [
    {
      file: "lib/gossip/codec.ts",
      after: 'taggedRow<Payload, "type">("type", {\n',
      add: "  fake: { words: text({ max: 9 }) },\n",
    },
    {
      file: "lib/gossip/dissemination.ts",
      after: "    switch (message.type) {\n",
      add: `      case "fake":
        return dropUnexpected(this.#context, { from: message.from.name, detail: message.words });
`,
    },
    {
      file: "tests/support/gossip_samples.ts",
      after: "Extract<GossipMessage, { type: T }>[];\n} = {\n",
      add: '  fake: [{ type: "fake", from: FROM, words: "none" }],\n',
    },
  ],
  tests: ["lib/gossip/codec_test.ts", "lib/gossip/dissemination_test.ts"],
  proof: `
    const { decodeGossip, encodeGossip } = await import("../lib/gossip/codec.ts");
    const from = { name: "a", address: { host: "10.0.0.1", port: 1 } };
    const message = { type: "fake", from, words: "none" } as const;
    assertEquals(decodeGossip(encodeGossip(message)), message);`,
};

const REQUEST: Addition = {
  row: "a request of gcheck",
  edits: [{
    file: "lib/client/protocol.ts",
    after: "export type Request =\n",
    add: '  /** Asks for nothing. Replies: `done`. */\n  | { readonly type: "fake" }\n',
  }],
  forced: [
    {
      file: "lib/client/codec.ts",
      after: "  cancel: { batchId: BATCH_ID_TEXT },\n",
      add: "  fake: {},\n",
    },
    {
      file: "lib/daemon/desk.ts",
      after: "    switch (request.type) {\n",
      add: '      case "fake":\n        return yield { type: "done" };\n',
    },
    {
      file: "tests/support/client_samples.ts",
      after: "readonly (Request & { type: T })[];\n} = {\n",
      add: '  fake: [{ type: "fake" }],\n',
    },
  ],
  tests: ["lib/client/codec_test.ts", "lib/daemon/desk_test.ts"],
  proof: `
    const { answerTo, DeskBench } = await import("./support/desk_bench.ts");
    const { decodeRequest, encodeRequest } = await import("../lib/client/codec.ts");
    const { desk } = new DeskBench();
    const request = decodeRequest(encodeRequest({ type: "fake" }));
    assertEquals(await answerTo(desk, request), [{ type: "done" }]);`,
};

const BATCH_BODY: Addition = {
  row: "a kind of batch body",
  edits: [
    {
      file: "lib/batch/body.ts",
      after: "export type BatchBody =\n",
      add: '  | { readonly type: "fake" }\n',
    },
    {
      file: "lib/batch/body.ts",
      after: "export type BodySummary =\n",
      add: '  | { readonly type: "fake" }\n',
    },
  ],
  forced: [
    {
      file: "lib/batch/body.ts",
      after: "  keys: { operation: KEY_OPERATION },\n",
      add: "  fake: {},\n",
    },
    {
      file: "lib/batch/body.ts",
      after: "  switch (body.type) {\n",
      add: '    case "fake":\n      return { type: "fake" };\n',
    },
    {
      file: "lib/client/codec.ts",
      after: 'tagged<BodySummary, "type">("type", {\n',
      add: "  fake: {},\n",
    },
    {
      file: "lib/cli/node_results.ts",
      after: "  switch (summary.type) {\n",
      add: '    case "fake":\n      return ["(fake)"];\n',
    },
    {
      file: "lib/daemon/batch_runs.ts",
      after: "    switch (body.type) {\n",
      add: '      case "fake":\n        return { type: "batch", outcome: { status: "pass" } };\n',
    },
    {
      file: "lib/daemon/batch_runs.ts",
      after: "\n  switch (body.type) {\n",
      add: '    case "fake":\n      return { type: "batch", outcome };\n',
    },
    {
      file: "lib/journal/interrupted.ts",
      after: "  switch (read.type) {\n",
      add: '    case "fake":\n      return { type: "batch", outcome: UNDECIDED };\n',
    },
    {
      file: "tests/support/check_samples.ts",
      after: "readonly (BatchBody & { type: T })[] } = {\n",
      add: '  fake: [{ type: "fake" }],\n',
    },
    {
      file: "tests/support/client_samples.ts",
      after: "readonly (BodySummary & { type: T })[] } = {\n",
      add: '  fake: [{ type: "fake" }],\n',
    },
  ],
  tests: ["lib/batch/body_test.ts", "lib/client/codec_test.ts", "lib/daemon/batch_runs_test.ts"],
  proof: `
    const { decodeBody, encodeBody, summaryOf } = await import("../lib/batch/body.ts");
    const { reportOfInterrupted } = await import("../lib/journal/interrupted.ts");
    const body = encodeBody({ type: "fake" });
    assertEquals(summaryOf(decodeBody(body)), { type: "fake" });
    assertEquals(reportOfInterrupted({ body, started: new Set(), ended: [] }).type, "batch");`,
};

const JOURNAL_RECORD: Addition = {
  row: "a record of the journal",
  edits: [
    {
      file: "lib/gossip/types.ts",
      after: "export type DurableRecord =\n",
      add: '  | { readonly type: "fake_gossip"; readonly batchId: BatchId }\n',
    },
    {
      file: "lib/journal/batch_store.ts",
      after: "export type RunRecord =\n",
      add: '  | { readonly type: "fake_run"; readonly batchId: BatchId }\n',
    },
    {
      file: "lib/journal/schema.ts",
      after: "export const JOURNAL_SCHEMA: readonly string[] = [\n",
      add: "  `CREATE TABLE IF NOT EXISTS fake (id TEXT PRIMARY KEY)`,\n",
    },
    {
      file: "lib/journal/restore.ts",
      after: 'from "./columns.ts";\n',
      add: `
/** The batches that a fake record names. Raises \`StoreError\`. */
export function restoredFakes(store: Store): BatchId[] {
  return store.query("SELECT id FROM fake").map(({ id }) => textOf(id));
}
`,
    },
  ],
  forced: [
    {
      file: "lib/journal/journal.ts",
      after: "    switch (record.type) {\n",
      add: `      case "fake_gossip":
      case "fake_run":
        return this.#store.run("INSERT OR IGNORE INTO fake VALUES (?)", record.batchId);
`,
    },
  ],
  tests: ["lib/journal/journal_test.ts", "lib/journal/restore_test.ts"],
  proof: `
    const { Disk } = await import("./support/journal_disk.ts");
    const { restoredFakes } = await import("../lib/journal/restore.ts");
    using disk = new Disk();
    const journal = disk.boot();
    await disk.keep(journal, { type: "fake_gossip", batchId: "A" }, {
      type: "fake_run",
      batchId: "B",
    });
    disk.boot();
    assertEquals(restoredFakes(disk), ["A", "B"]);`,
};

/** The fake additions to what nodes and clients say to each other, and to the journal. */
export const PROTOCOL_ADDITIONS: readonly Addition[] = [
  SWIM_MESSAGE,
  GOSSIP_MESSAGE,
  REQUEST,
  BATCH_BODY,
  JOURNAL_RECORD,
];
