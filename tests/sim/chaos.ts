/**
 * A run of a small cluster with faults that a seed determines, and checks of what must hold during
 * the faults and after them.
 * @module
 */
import { PACKET_MAX_BYTES } from "../../lib/limits.ts";
import { World, type WorldEvent, type WorldNode } from "../support/world.ts";

/** The result of a run. */
export interface ChaosResult {
  readonly seed: number;
  /** A hash of all events with their order and times. */
  readonly trace: number;
  /** What did not hold. */
  readonly violations: readonly string[];
  /** Virtual milliseconds from the end of the faults until all views were right; undefined for never. */
  readonly healedAfterMs: number | undefined;
  /** The faults, with their times. */
  readonly log: readonly string[];
}

/** Duration of the faults. */
const FAULTS_MS = 90_000;
/** The longest time after the faults until all views are right. */
const HEALED_WITHIN_MS = 180_000;
/** The highest number of running processes. */
const NODES_MAX = 14;

/** Runs the cluster of one seed. */
export async function runChaos(seed: number): Promise<ChaosResult> {
  return await new Chaos(seed).run();
}

class Chaos {
  readonly #seed: number;
  readonly #world: World;
  readonly #log: string[] = [];
  readonly #violations: string[] = [];
  #founders: readonly WorldNode["address"][] = [];
  /** The highest incarnation of a member in the events of one process of an observer. */
  readonly #incarnations = new Map<string, number>();
  /** The members that one process of an observer has seen leave, with their incarnation then. */
  readonly #left = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
    this.#world = new World({ seed });
    this.#world.listen((event) => this.#check(event));
  }

  async run(): Promise<ChaosResult> {
    const { random } = this.#world;
    this.#founders = this.#world.addCluster(2 + random.below(9)).map(({ address }) => address);
    await this.#world.pass(5_000 * random.next());
    const untilMs = this.#world.nowMs + FAULTS_MS;
    while (this.#world.nowMs < untilMs) {
      this.#disturb();
      await this.#world.pass(200 + 6_000 * random.next() ** 2);
    }
    const healedAfterMs = await this.#heal();
    this.#checkNetwork();
    const trace = this.#world.trace;
    return { seed: this.#seed, trace, violations: this.#violations, healedAfterMs, log: this.#log };
  }

  #disturb(): void {
    const { random } = this.#world;
    const running = this.#world.running;
    const node = random.pick(running);
    const other = random.pick(running);
    // The first founder keeps running: nodes that know no other member find the cluster through it.
    const few = running.length <= 2 || node.name === "node-0";
    const faults: [string, () => void][] = [
      ["start one", () => this.#startOne()],
      ["start one", () => this.#startOne()],
      [`restart ${node.name}`, () => this.#restart(node)],
      ["quality", () => this.#changeQuality()],
      ["quality", () => this.#changeQuality()],
      [`cut ${node.name} > ${other.name}`, () => node === other || this.#cut(node, other)],
      ["partition", () => this.#partition()],
      [`no packets ${node.name}`, () => this.#world.network.cutPackets(node.address)],
      [`no streams ${node.name}`, () => this.#world.network.cutStreams(node.address)],
      ["mend", () => this.#world.network.mend()],
      ["mend", () => this.#world.network.mend()],
      [`pause ${node.name}`, () => node.host.pause(30_000 * random.next() ** 2)],
      [`clock ${node.name}`, () => this.#jump(node)],
      [`meta ${node.name}`, () => node.membership.updateMeta(random.bytes(random.below(40)))],
    ];
    if (!few) {
      faults.push([`kill ${node.name}`, () => node.kill()]);
      faults.push([`leave ${node.name}`, () => node.leave()]);
    }
    const [name, act] = random.pick(faults);
    this.#log.push(`${Math.round(this.#world.nowMs)} ${name}`);
    act();
  }

  #startOne(): void {
    const { random, nodes } = this.#world;
    const running = this.#world.running;
    if (running.length >= NODES_MAX) return;
    const ended = [...nodes.values()].filter(({ host }) => !host.running);
    const node = ended.length > 0 && random.chance(0.6) ? random.pick(ended) : undefined;
    const through = random.pick(running).address;
    if (node === undefined) {
      this.#world.addNode({ peers: this.#founders }).membership.join([through]);
    } else this.#startAgain(node, through);
  }

  #restart(node: WorldNode): void {
    const others = this.#world.running.filter((other) => other !== node);
    if (others.length > 0) this.#startAgain(node, this.#world.random.pick(others).address);
  }

  #startAgain(node: WorldNode, through: WorldNode["address"]): void {
    this.#log.push(`  again ${node.name}`);
    node.start({ peers: this.#founders });
    node.membership.join([through]);
  }

  #changeQuality(): void {
    const { random, network } = this.#world;
    network.quality = {
      loss: random.chance(0.4) ? 0.4 * random.next() : 0,
      delayMs: 100 * random.next() ** 3,
      jitterMs: 200 * random.next() ** 3,
      duplicate: random.chance(0.3) ? 0.3 * random.next() : 0,
    };
  }

  #cut(from: WorldNode, to: WorldNode): void {
    this.#world.network.cut(from.address, to.address);
  }

  #partition(): void {
    const { random, network } = this.#world;
    const groups: WorldNode["address"][][] = [[], []];
    for (const { address } of this.#world.nodes.values()) groups[random.below(2)]!.push(address);
    network.partition(groups);
  }

  #jump(node: WorldNode): void {
    const { random } = this.#world;
    node.host.jumpClock({
      monotonicMs: random.chance(0.5) ? 60_000 * random.next() ** 2 : 0,
      wallMs: 7_200_000 * (random.next() - 0.5),
    });
  }

  async #heal(): Promise<number | undefined> {
    const { network } = this.#world;
    network.mend();
    network.quality = { loss: 0, delayMs: 1, jitterMs: 1, duplicate: 0 };
    const right = () => this.#world.converged() && this.#endedAreGone();
    const healedAfterMs = await this.#world.passUntil(right, {
      withinMs: HEALED_WITHIN_MS,
      stepMs: 1_000,
    });
    if (healedAfterMs === undefined) this.#violations.push(...this.#differences());
    else {
      await this.#world.pass(30_000);
      if (!right()) this.#violations.push("right views did not last", ...this.#differences());
    }
    return healedAfterMs;
  }

  /** Whether no node sees an ended process as alive or suspect. */
  #endedAreGone(): boolean {
    const ended = [...this.#world.nodes.values()].filter(({ host }) => !host.running);
    return this.#world.running.every((node) =>
      ended.every(({ name }) => !["alive", "suspect"].includes(node.sees(name)?.state ?? "dead"))
    );
  }

  #differences(): string[] {
    const differences: string[] = [];
    for (const node of this.#world.running) {
      for (const { name, host } of this.#world.nodes.values()) {
        const member = node.sees(name);
        const active = member?.state === "alive" || member?.state === "suspect";
        if (active === host.running && member?.state !== "suspect") continue;
        const truth = host.running ? "runs" : "is ended";
        differences.push(
          `${node.name} sees ${name} as ${member?.state ?? "unknown"}, which ${truth}`,
        );
      }
    }
    return differences;
  }

  #check({ node, event, atMs }: WorldEvent): void {
    if (!("member" in event)) return;
    const { name, incarnation } = event.member;
    const pair = `${node.name}/${node.life} of ${name}`;
    const before = this.#incarnations.get(pair) ?? 0;
    if (incarnation < before) {
      this.#violations.push(`${atMs}: ${pair}: incarnation fell from ${before} to ${incarnation}`);
    }
    this.#incarnations.set(pair, incarnation);
    if (event.type === "member_left") this.#left.set(pair, incarnation);
    const spoken = this.#world.nodes.get(name)?.highestIncarnation ?? 0;
    // A member that left comes back only by its own message, with an incarnation that it chose.
    if (event.type !== "member_joined") return;
    if (incarnation <= (this.#left.get(pair) ?? 0) || incarnation > spoken) {
      this.#violations.push(
        `${atMs}: ${pair}: came back after it left, and not by its own message`,
      );
    }
  }

  #checkNetwork(): void {
    const { traffic, schedule } = this.#world.network;
    if (traffic.largestPacketBytes > PACKET_MAX_BYTES) {
      this.#violations.push(`a packet of ${traffic.largestPacketBytes} bytes`);
    }
    const names = this.#world.nodes.size;
    for (const node of this.#world.running) {
      const held = [...node.membership.members()].length;
      if (held > names) {
        this.#violations.push(`${node.name} has ${held} members, of ${names} names`);
      }
    }
    const timersBound = 200 * this.#world.running.length;
    if (schedule.pending > timersBound) this.#violations.push(`${schedule.pending} events planned`);
  }
}
