/**
 * Tests of which batches the desk accepts from clients, and when it replies, on the real
 * dissemination machine.
 */
import { encode, type ValueType } from "@std/msgpack";
import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { CHECK_A, checkBatch, checkNamed, testId } from "../../tests/support/batches.ts";
import {
  answerTo,
  ask,
  CHECK,
  memberNamed,
  membersOf,
  ORDER,
} from "../../tests/support/desk_bench.ts";
import { MemoryNetwork } from "../../tests/support/memory_network.ts";
import { settle, VirtualTime } from "../../tests/support/virtual_time.ts";
import { type Batch, encodeBatchContent } from "../batch/batch.ts";
import { encodeBody } from "../batch/body.ts";
import { Client } from "../client/client.ts";
import type { Order } from "../batch/order.ts";
import type { Reply, Request } from "../client/protocol.ts";
import { ClientServer } from "../client/server.ts";
import { StoreError } from "../errors.ts";
import { decodeGossip } from "../gossip/codec.ts";
import { Dissemination } from "../gossip/dissemination.ts";
import { DEFAULT_GOSSIP_SETTINGS } from "../gossip/settings.ts";
import type { DurableRecord, GossipEvent, SendRequest } from "../gossip/types.ts";
import { MemoryBatchStore } from "../journal/batch_store.ts";
import { MembershipPeers } from "../node/membership_peers.ts";
import { decode } from "../std/msgpack_decode.ts";
import { encodeMeta } from "../swim/meta.ts";
import { Desk } from "./desk.ts";

const SERVER = { host: "127.0.0.1", port: 5924 };
const FULL = "state database: database or disk is full; free some space on that file system";
const MEMBERS = ["me", "b", "c"].map((name, index) =>
  memberNamed(name, { meta: encodeMeta(new Map(), `${index}`.repeat(16)) })
);

/** The node `me` with other members; `answer` makes its journal answer. */
class Node {
  readonly time = new VirtualTime();
  readonly sent: SendRequest[] = [];
  readonly records: DurableRecord[] = [];
  readonly events: GossipEvent["type"][] = [];
  readonly dissemination: Dissemination;
  readonly desk: Desk;
  readonly #tokens: number[] = [];

  constructor() {
    const members = membersOf(MEMBERS);
    const peers = new MembershipPeers(members);
    const random = {
      next: () => 0.5,
      bytes: (length: number) => new Uint8Array(length).fill(this.records.length + 1),
    };
    this.dissemination = new Dissemination({
      settings: DEFAULT_GOSSIP_SETTINGS,
      peers,
      effects: {
        send: (request) => void this.sent.push(request),
        setTimer() {},
        persist: (record, token) => {
          this.records.push(record);
          if (token !== undefined) this.#tokens.push(token);
        },
        emit: (event) => {
          this.events.push(event.type);
          this.desk.notice(event);
        },
      },
      clock: this.time,
      random,
    });
    const store = new MemoryBatchStore({ timers: this.time });
    this.desk = new Desk({ members, peers, batches: this.dissemination, store });
  }

  /** Makes the journal answer all waiting records. */
  async answer(failure?: string): Promise<void> {
    for (const token of this.#tokens.splice(0)) this.dissemination.persisted(token, failure);
    await settle();
  }

  /** The batches that were sent to other nodes. */
  get sentBatches(): Batch[] {
    return this.sent.map(({ message }) => decodeGossip(message))
      .flatMap((message) => message.type === "batch" ? message.copies : [])
      .map(({ batch }) => batch);
  }

  /** Asserts that a request had no effect. */
  mustBeUntouched(): void {
    assertEquals([this.records, this.sent, this.dissemination.batches()], [[], [], []]);
  }
}

/** A batch that an operator signed, with the origin `me`. */
function signed(fields: Partial<Batch> = {}): Order & { type: "signed" } {
  const { origin } = checkBatch();
  const { content } = checkBatch({ origin: { ...origin, name: "me" }, issuedAtMs: 1, ...fields });
  return { type: "signed", content, signature: new Uint8Array(96).fill(7) };
}

function sending(order: Order, more: Partial<Request & { type: "check" }> = {}): Request {
  return { ...CHECK, order, wait: false, ...more };
}

function badRequest(message: string): Reply {
  return { type: "error", code: "bad_request", message };
}

function typesOf(replies: readonly Reply[]): Reply["type"][] {
  return replies.map(({ type }) => type);
}

Deno.test("a client gets the acceptance when its batch is durable, and the batch is not sent before", async () => {
  for (const order of [ORDER, signed()]) {
    const node = new Node();
    const { replies, ended, abort } = ask(node.desk, { ...CHECK, order });
    await node.time.pass(60_000);
    assertEquals([replies, node.sent, node.events], [[], [], []]);
    assertEquals(node.records.map(({ type }) => type), ["accepted"]);
    await node.answer();
    assertEquals(node.events, ["batch_accepted"]);
    const [batch] = node.dissemination.batches();
    assertEquals(replies, [
      { type: "accepted", batchId: batch?.id ?? "", nodes: ["me", "b", "c"] },
      {
        type: "state",
        state: { target: {}, expiresAtMs: 0, cancelled: false },
      },
    ]);
    assertEquals(node.sentBatches, [batch, batch]);
    abort.abort();
    await ended;
  }
});

Deno.test("a held batch is accepted when it is durable, and its members are sampled after that", async () => {
  const node = new Node();
  const asked = ask(node.desk, sending(ORDER, { limit: { type: "count", count: 1 } }));
  await settle();
  assertEquals([asked.replies, node.sent], [[], []]);
  await node.answer();
  await asked.ended;
  assertEquals(asked.replies.map((reply) => reply.type === "accepted" && reply.nodes.length), [1]);
});

Deno.test("a batch that could not be stored is not issued, and its client gets only the error", async () => {
  const node = new Node();
  const { replies, ended } = ask(node.desk, CHECK);
  await settle();
  const failed = assertRejects(() => ended, StoreError);
  await node.answer(FULL);
  assertEquals((await failed).message, FULL);
  assertEquals([replies, node.sent, node.events], [[], [], ["batch_not_stored"]]);
  assertEquals([node.dissemination.batches(), node.dissemination.collections()], [[], []]);
  const again = answerTo(node.desk, sending(ORDER));
  await settle();
  await node.answer();
  assertEquals(typesOf(await again), ["accepted"]);
});

Deno.test("gcheck gets the error of the store as an internal error, and no acceptance before it", async () => {
  const node = new Node();
  const network = new MemoryNetwork();
  const random = { next: () => 0.5, bytes: (length: number) => new Uint8Array(length) };
  const logged: string[] = [];
  const server = new ClientServer({
    listener: network.listenStreams(SERVER),
    service: node.desk,
    log: { write: (...[level, event, message]) => logged.push(`${level} ${event}: ${message}`) },
    drop() {},
    timers: node.time,
    random,
  });
  const running = server.run();
  const timers = node.time;
  const client = new Client({ network, timers, random, server: SERVER, timeoutMs: 5_000 });
  const replies = Array.fromAsync(client.request(CHECK));
  await settle();
  await node.answer(FULL);
  assertEquals(await replies, [{ type: "error", code: "internal", message: FULL }]);
  assertEquals(logged, [`error client_failed: ${FULL}`]);
  server.close();
  await running;
});

Deno.test("clients whose batches are stored in one transaction each get their own reply", async () => {
  const node = new Node();
  const asked = [1, 2, 3].map((number) => ask(node.desk, sending(signed({ id: testId(number) }))));
  await settle();
  await node.answer();
  for (const [index, { replies, ended }] of asked.entries()) {
    await ended;
    assertEquals(replies.map((reply) => reply.type === "accepted" && reply.batchId), [
      testId(index + 1),
    ]);
  }
});

Deno.test("a signed batch that is sent twice is refused, also if the first is not durable yet", async () => {
  const node = new Node();
  const first = answerTo(node.desk, sending(signed()));
  await settle();
  const again = async () => (await answerTo(node.desk, sending(signed())))[0];
  const expected: Reply = {
    type: "error",
    code: "refused",
    message: `this node refuses the batch: ${testId(1)} was sent before; sign the checks again`,
  };
  assertEquals(await again(), expected);
  await node.answer();
  assertEquals(typesOf(await first), ["accepted"]);
  assertEquals(await again(), expected);
  assertEquals(node.records.filter(({ type }) => type === "accepted").length, 1);
});

const UNREADABLE: readonly { name: string; body: Uint8Array; message: string }[] = [
  {
    name: "that is not MessagePack",
    body: new Uint8Array([0xc1]),
    message: "a value has the type 0xc1, which is unused",
  },
  {
    name: "that is cut short",
    body: encodeBody(CHECK_A).slice(0, -1),
    message: "a message ends in mid-value",
  },
  { name: "that is empty", body: new Uint8Array(0), message: "a message ends in mid-value" },
  {
    name: "that is followed by more",
    body: new Uint8Array([...encodeBody(CHECK_A), 0]),
    message: "a batch's body is followed by 1 bytes",
  },
  {
    name: "of an unknown type",
    body: encode(["reboot", 1]),
    message: "a batch's body.type must be one of checks, keys",
  },
  {
    name: "without a check",
    body: encodeBody({ type: "checks", checks: [] }),
    message: "a batch's body.checks must hold at least one check",
  },
  {
    name: "with two checks of one name",
    body: encodeBody({ type: "checks", checks: ["a", "b", "a"].map((name) => checkNamed(name)) }),
    message: 'a batch\'s body.checks holds two checks named "a"',
  },
];

for (const { name, body, message } of UNREADABLE) {
  Deno.test(`a body ${name} is a bad request, signed or not, and is not sent`, async () => {
    for (const order of [{ ...ORDER, body }, signed({ body })]) {
      const node = new Node();
      assertEquals(await answerTo(node.desk, sending(order)), [badRequest(message)]);
      node.mustBeUntouched();
    }
  });
}

const NOT_AS_SIGNED: readonly {
  name: string;
  order: Order;
  more?: Partial<Request & { type: "check" }>;
  message: string;
}[] = [
  {
    name: "bytes that are no batch",
    order: { ...signed(), content: new Uint8Array([0xc1]) },
    message: "a value has the type 0xc1, which is unused",
  },
  {
    name: "a batch for another node",
    order: signed({ origin: { ...checkBatch().origin, name: "b" } }),
    message: 'the batch is signed for node "b"; this is "me": sign it again',
  },
  {
    name: "a batch without stages, sent on a sample",
    order: signed(),
    more: { limit: { type: "percent", percent: 50 } },
    message: "-limit and stages are not as they were signed: sign the batch again",
  },
  {
    name: "a batch without stages, sent in stages",
    order: signed(),
    more: { rollout: { size: { type: "count", count: 1 }, maxFailures: 0 } },
    message: "-limit and stages are not as they were signed: sign the batch again",
  },
  {
    name: "a batch in stages, sent to all at once",
    order: signed({ held: true }),
    message: "-limit and stages are not as they were signed: sign the batch again",
  },
  {
    name: "a batch that expires before it is issued",
    order: {
      ...signed(),
      content: encodeBatchContent({
        ...checkBatch(),
        originName: "me",
        issuedAtMs: 8,
        expiresAtMs: 7,
      }),
    },
    message: `a batch: batch ${testId(1)} expires before it is issued`,
  },
];

for (const { name, order, more, message } of NOT_AS_SIGNED) {
  Deno.test(`signed: ${name} is a bad request and is not sent`, async () => {
    const node = new Node();
    assertEquals(await answerTo(node.desk, sending(order, more)), [badRequest(message)]);
    node.mustBeUntouched();
  });
}

/** The same array with one item more, as a later version would write it. */
function appended(bytes: Uint8Array): Uint8Array {
  return encode([...decode(bytes) as ValueType[], "later"]);
}

Deno.test("the signed bytes are stored and sent unchanged, also fields that this version does not know", async () => {
  for (const change of [(content: Uint8Array) => content, appended]) {
    const node = new Node();
    const { content, signature } = signed();
    const order: Order = { type: "signed", content: change(content), signature };
    const asked = answerTo(node.desk, sending(order));
    await settle();
    await node.answer();
    assertEquals(typesOf(await asked), ["accepted"]);
    const [batch] = node.dissemination.batches();
    assertStrictEquals(batch?.content, order.content);
    const [record] = node.records;
    assertStrictEquals(record?.type === "accepted" && record.batch, batch);
    assertEquals(node.sentBatches.length, 2);
    for (const { content, signature } of node.sentBatches) {
      assertEquals([content, signature], [order.content, order.signature]);
    }
  }
});

Deno.test("an unsigned body is stored and sent unchanged, also fields that this version does not know", async () => {
  for (const body of [ORDER.body, appended(ORDER.body)]) {
    const node = new Node();
    const asked = answerTo(node.desk, sending({ ...ORDER, body }));
    await settle();
    await node.answer();
    assertEquals(typesOf(await asked), ["accepted"]);
    assertEquals(node.sentBatches.map((batch) => batch.body), [body, body]);
  }
});
