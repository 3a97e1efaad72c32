/**
 * Runs a daemon that is killed and restarted with the same name, ports and state.
 * @module
 */
import { join } from "@std/path";
import { CRASH_EVENTS, type CrashPlan } from "./crash_points.ts";
import { FaultClient } from "./fault_client.ts";
import { freePort } from "./free_port.ts";
import { preloading, writePreload } from "./fault_preload.ts";
import { GossipcheckNode, type LogLine } from "./gossipcheck_node.ts";

/** How to make a `CrashNode`. */
export interface CrashNodeOptions {
  /** Its name, unique in the cluster. */
  readonly name: string;
  /** An existing folder for its state and its plan. */
  readonly directory: string;
  /** Further flags of the daemon. */
  readonly flags: readonly string[];
}

/** How to start the daemon. */
export interface StartOptions {
  /** The peers to join; by default none, so that the node joins the members in its state. */
  readonly peers?: readonly CrashNode[];
  /** When it kills itself. With a plan it also logs its steps. */
  readonly plan?: CrashPlan;
}

/** A node across its restarts. Disposing of it kills the process. */
export class CrashNode implements AsyncDisposable {
  readonly #options: CrashNodeOptions;
  readonly #address = `127.0.0.1:${freePort()}`;
  readonly #clientAddress = `127.0.0.1:${freePort()}`;
  readonly #lines: LogLine[] = [];
  #life: GossipcheckNode | undefined;
  /** A client of the running process. */
  readonly client: FaultClient = new FaultClient(this.#clientAddress);

  /** Makes the node without starting it. */
  constructor(options: CrashNodeOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** The running process. */
  get life(): GossipcheckNode {
    if (this.#life === undefined) throw new Error(`${this.name} is not running`);
    return this.#life;
  }

  /** The folder of its state. */
  get stateDirectory(): string {
    return join(this.#options.directory, "state", this.name);
  }

  /** Starts the process and waits until it listens. */
  async start({ peers = [], plan }: StartOptions = {}): Promise<void> {
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

  /** Kills the process and waits for its end. */
  async kill(): Promise<void> {
    await this.#life?.kill();
    await this.ended();
  }

  /** Waits until the process has ended for any reason. */
  async ended(): Promise<void> {
    await this.#life?.[Symbol.asyncDispose]();
    this.#life = undefined;
  }

  /** The steps of the running process so far: what each of them wrote. */
  get steps(): readonly string[] {
    return this.life.events.all.filter(({ event }) => event === CRASH_EVENTS.step)
      .map(({ fields }) => String(fields["what"]));
  }

  /** The last lines of its log, across restarts. */
  log(count: number): string {
    return this.#lines.slice(-count).map(({ fields }) => `  ${JSON.stringify(fields)}`).join("\n");
  }

  /** Kills the process. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #writePreload(plan: CrashPlan): string {
    const path = join(this.#options.directory, `preload-${this.name}.ts`);
    writePreload(path, { module: "crash_points.ts", call: "armCrash", argument: plan });
    return path;
  }
}
