/**
 * A daemon that is killed again and again: each life has the same name, ports and state.
 * @module
 */
import { join } from "@std/path";
import { CRASH_EVENTS, type CrashPlan } from "./crash_points.ts";
import { FaultClient } from "./fault_client.ts";
import { freePort } from "./free_port.ts";
import { preloading, writePreload } from "./fault_preload.ts";
import { GossipcheckNode, type LogLine } from "./gossipcheck_node.ts";

/** What a `CrashNode` is made of. */
export interface CrashNodeOptions {
  /** Unique in the cluster. */
  readonly name: string;
  /** Where its state and its plan go; exists. */
  readonly directory: string;
  /** Further flags of each life. */
  readonly flags: readonly string[];
}

/** How one life starts. */
export interface LifeOptions {
  /** Whom to join; nobody by default, so that the node goes by what it remembers. */
  readonly peers?: readonly CrashNode[];
  /** When it dies by itself, and whether it tells of its steps. */
  readonly plan?: CrashPlan;
}

/** One node over all its lives. Disposing of it kills the present one. */
export class CrashNode implements AsyncDisposable {
  readonly #options: CrashNodeOptions;
  readonly #address = `127.0.0.1:${freePort()}`;
  readonly #clientAddress = `127.0.0.1:${freePort()}`;
  readonly #lines: LogLine[] = [];
  #life: GossipcheckNode | undefined;
  /** Asks the present life. */
  readonly client: FaultClient = new FaultClient(this.#clientAddress);

  /** Has no life yet. */
  constructor(options: CrashNodeOptions) {
    this.#options = options;
  }

  /** Its name. */
  get name(): string {
    return this.#options.name;
  }

  /** Its process at present. */
  get life(): GossipcheckNode {
    if (this.#life === undefined) throw new Error(`${this.name} is not running`);
    return this.#life;
  }

  /** The folder that its state lies in. */
  get stateDirectory(): string {
    return join(this.#options.directory, "state", this.name);
  }

  /** Starts it and waits until it listens. */
  async start({ peers = [], plan }: LifeOptions = {}): Promise<void> {
    const preload = plan && this.#writePreload(plan);
    const life = await GossipcheckNode.start({
      name: this.name,
      bind: this.#address,
      stateDirectory: join(this.#options.directory, "state"),
      ...(peers.length === 0 ? {} : { join: peers.map((peer) => peer.#address) }),
      ...(preload === undefined ? {} : { wrap: (line) => preloading(line, preload) }),
      flags: [
        `-cli-bind=${this.#clientAddress}`,
        ...this.#options.flags,
      ],
    });
    life.events.follow((line) => this.#lines.push(line));
    this.#life = life;
  }

  /** Kills it and waits for its end. */
  async kill(): Promise<void> {
    await this.#life?.kill();
    await this.buried();
  }

  /** Waits for the end of its present life, whoever brings it about. */
  async buried(): Promise<void> {
    await this.#life?.[Symbol.asyncDispose]();
    this.#life = undefined;
  }

  /** The steps that the present life went through, by what each of them wrote. */
  get steps(): readonly string[] {
    return this.life.events.all.filter(({ event }) => event === CRASH_EVENTS.step)
      .map(({ fields }) => String(fields["what"]));
  }

  /** The last lines of all lives' logs. */
  log(count: number): string {
    return this.#lines.slice(-count).map(({ fields }) => `  ${JSON.stringify(fields)}`).join("\n");
  }

  /** Kills it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #writePreload(plan: CrashPlan): string {
    const path = join(this.#options.directory, `preload-${this.name}.ts`);
    writePreload(path, { module: "crash_points.ts", call: "armCrash", argument: plan });
    return path;
  }
}
