/**
 * A member in a thief's hands: it has all that a node has (address, membership, the cluster's key),
 * keeps to no rule of ours, and sends what it is told. It runs in the test's own process.
 * @module
 */
import { parseDaemonArguments } from "../../lib/cli/daemon_settings.ts";
import { MemoryBatchStore } from "../../lib/journal/batch_store.ts";
import { bindAll } from "../../lib/node/bind.ts";
import { Cluster } from "../../lib/node/node.ts";
import { DenoHost } from "../../lib/deno/host.ts";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { DenoClock, DenoRandom, DenoTimers } from "../../lib/deno/runtime.ts";
import { readSecretFile } from "../../lib/deno/secret_file.ts";
import { encodeGossip } from "../../lib/gossip/codec.ts";
import type { Batch, BatchId, GossipEvent } from "../../lib/gossip/types.ts";
import { eventually } from "./process.ts";

/** One thief. Disposing of it makes it vanish without a word. */
export class StolenNode implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #running: Promise<void>;
  /** Itself, as the origin of batches: what is pushed never goes to its origin. */
  readonly origin: Batch["origin"];
  /** What happened in its dissemination. */
  readonly events: GossipEvent[] = [];

  /** Takes over what `start` made. */
  constructor(make: (events: GossipEvent[]) => Cluster, origin: Batch["origin"]) {
    this.#cluster = make(this.events);
    this.origin = origin;
    this.#running = this.#cluster.run();
  }

  /** Joins the cluster at `peer`; `flags` are those of our daemon. */
  static async start(
    options: { name: string; peer: string; flags?: readonly string[] },
  ): Promise<StolenNode> {
    const settings = parseDaemonArguments([
      ...["-bind=127.0.0.1:0", "-no-cli", `-peers=${options.peer}`, `-name=${options.name}`],
      ...options.flags ?? [],
    ]);
    if ("help" in settings) throw new Error("these flags ask for help");
    const network = new DenoNetwork();
    const { sockets, address } = await bindAll(network, settings);
    const runtime = {
      clock: new DenoClock(),
      random: new DenoRandom(),
      timers: new DenoTimers(),
      network,
      host: new DenoHost(),
      log: { write() {} },
      readSecretFile,
    };
    const make = (events: GossipEvent[]) =>
      new Cluster({
        name: options.name,
        address,
        sockets,
        settings,
        // The rest of what a daemon has a thief makes no use of.
        runtime: runtime as unknown as ConstructorParameters<typeof Cluster>[0]["runtime"],
        state: { batches: new MemoryBatchStore() },
        admit: () => undefined,
        onGossipEvent: (event) => void events.push(event),
      });
    const node = new StolenNode(make, { name: options.name, address });
    await eventually(() => {
      if ([...node.#cluster.membership.members()].length < 2) throw new Error("it is alone");
    }, { timeoutMs: 60_000, intervalMs: 20 });
    return node;
  }

  /** Sends a batch to everyone, once an id, whatever it says of itself; it claims to be new. */
  send(batch: Batch): void {
    const copies = [{ batch, ageMs: 0 }];
    this.#cluster.dissemination.receive(
      encodeGossip({ type: "batch", from: this.origin, asked: false, copies }),
    );
  }

  /** Sends one that it has to a node that has not asked for it, again and again where called so. */
  sendAgain(id: BatchId, to: { readonly name: string; readonly address: string }): void {
    const [host = "", port] = to.address.split(":");
    const from = { name: to.name, address: { host, port: Number(port) } };
    this.#cluster.dissemination.receive(encodeGossip({ type: "want", from, ids: [id] }));
  }

  /** A batch that has come to it. */
  batch(id: BatchId): Batch | undefined {
    return this.#cluster.dissemination.batch(id);
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#cluster.close();
    await this.#running;
  }
}
