/**
 * A compromised cluster member: it has a valid address, membership and the cluster key, but sends
 * any batch that the test wants. It runs in the test process.
 * @module
 */
import type { Batch } from "../../lib/batch/batch.ts";
import type { BatchId } from "../../lib/batch/id.ts";
import { parseDaemonArguments } from "../../lib/cli/daemon_settings.ts";
import { MemoryBatchStore } from "../../lib/journal/batch_store.ts";
import { bindAll } from "../../lib/node/bind.ts";
import { clusterEnvelope } from "../../lib/node/keyring_source.ts";
import { Node } from "../../lib/node/node.ts";
import { DenoHost } from "../../lib/deno/host.ts";
import { DenoNetwork } from "../../lib/deno/network.ts";
import { DenoClock, DenoRandom, DenoTimers } from "../../lib/deno/runtime.ts";
import { readSecretFile } from "../../lib/deno/secret_file.ts";
import { encodeGossip } from "../../lib/gossip/codec.ts";
import type { GossipEvent } from "../../lib/gossip/types.ts";
import { eventually } from "./process.ts";

/** A compromised node. Disposing of it stops it without leaving the cluster. */
export class StolenNode implements AsyncDisposable {
  readonly #node: Node;
  readonly #running: Promise<void>;
  /** Its own name and address, as the origin of batches: a batch is never pushed to its origin. */
  readonly origin: Batch["origin"];
  /** The events of its dissemination. */
  readonly events: GossipEvent[] = [];

  /** Used by `start`. */
  constructor(make: (events: GossipEvent[]) => Node, origin: Batch["origin"]) {
    this.#node = make(this.events);
    this.origin = origin;
    this.#running = this.#node.run();
  }

  /** Starts a node that joins through `peer`; `flags`: additional flags of a daemon. */
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
    // The rest of what a daemon has a thief makes no use of.
    const nodeRuntime = runtime as unknown as ConstructorParameters<typeof Node>[0]["runtime"];
    const make = (events: GossipEvent[]) =>
      new Node({
        name: options.name,
        address,
        sockets,
        settings,
        runtime: nodeRuntime,
        envelope: clusterEnvelope(settings, nodeRuntime),
        state: { batches: new MemoryBatchStore(runtime) },
        admit: () => undefined,
        onGossipEvent: (event) => void events.push(event),
      });
    const node = new StolenNode(make, { name: options.name, address });
    await eventually(() => {
      if ([...node.#node.membership.members()].length < 2) throw new Error("it is alone");
    }, { intervalMs: 20 });
    return node;
  }

  /** Spreads a batch without any checks, once per id, with the age 0. */
  send(batch: Batch): void {
    const copies = [{ batch, ageMs: 0 }];
    this.#node.dissemination.receive(
      encodeGossip({ type: "batch", from: this.origin, asked: false, copies }),
    );
  }

  /** Sends a batch that it has to a node that did not request it; each call sends it again. */
  sendAgain(id: BatchId, to: { readonly name: string; readonly address: string }): void {
    const [host = "", port] = to.address.split(":");
    const from = { name: to.name, address: { host, port: Number(port) } };
    this.#node.dissemination.receive(encodeGossip({ type: "want", from, ids: [id] }));
  }

  /** A batch that it received, by id. */
  batch(id: BatchId): Batch | undefined {
    return this.#node.dissemination.batch(id);
  }

  /** Stops the node. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#node.close();
    await this.#running;
  }
}
