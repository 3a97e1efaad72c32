/**
 * Several hosts on one machine: a network namespace a host, joined by a router namespace that loses
 * packets, cuts links and, where asked, holds packets back. Nothing leaves the namespaces, and they
 * are removed whatever happens to the test.
 * @module
 */
import { type CommandLine, mustRun, runCommand, TestProcess } from "./process.ts";
import { buildGoTool } from "./go_tools.ts";

/** What carries a packet. */
export type Protocol = "icmp" | "tcp" | "udp";

/** One host of a network. */
export interface NetworkHost {
  /** Its namespace. */
  readonly namespace: string;
  /** Its one IPv4 address. */
  readonly address: string;
}

/** Packets that are lost by chance. Absent fields do not restrict. */
export interface LossRule {
  /** How many in a hundred, in each direction that the rule covers. */
  readonly percent: number;
  /** Only those of this protocol. */
  readonly protocol?: Protocol;
  /** Only those from this host. */
  readonly from?: NetworkHost;
  /** Only those to this host. */
  readonly to?: NetworkHost;
}

/** Packets that never arrive. */
export interface Cut {
  /** From any of these hosts… */
  readonly from: readonly NetworkHost[];
  /** …to any of these. */
  readonly to: readonly NetworkHost[];
  /** Only those of these protocols; all by default. */
  readonly protocols?: readonly Protocol[];
  /** Whether the other direction stays open; false by default. */
  readonly oneWay?: boolean;
}

/** What holding back does to each packet. */
export interface Delay {
  /** Mean time that it is held, in milliseconds. */
  readonly delayMs: number;
  /** How far from it at most, uniformly; packets overtake each other by it. */
  readonly jitterMs?: number;
  /** How many in a hundred arrive twice. */
  readonly duplicatePercent?: number;
}

/** Why no network can be made here, or `undefined` where it can. */
export async function missingForNetwork(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "Linux network namespaces";
  if (Deno.uid() !== 0) return "root, to make network namespaces";
  const probe = `gossipcheck-${Deno.pid}-probe`;
  const script = `ip netns add ${probe} && trap 'ip netns del ${probe}' EXIT &&
    ip netns exec ${probe} nft add table ip probe`;
  const { code, stderr } = await runCommand({ program: "sh", args: ["-c", script] });
  return code === 0 ? undefined : `network namespaces and nftables (${stderr.trim()})`;
}

/** A router and its hosts. */
export class TestNetwork implements AsyncDisposable {
  readonly #guardian: TestProcess;
  readonly #router: string;
  #relay: TestProcess | undefined;
  /** Every host, in order. */
  readonly hosts: readonly NetworkHost[];

  /** Takes over what `create` made. */
  constructor(options: { router: string; hosts: NetworkHost[]; guardian: TestProcess }) {
    this.#router = options.router;
    this.hosts = options.hosts;
    this.#guardian = options.guardian;
  }

  /** Makes a network of `count` hosts, at most 250, that reach each other without loss or delay. */
  static async create(count: number): Promise<TestNetwork> {
    const prefix = `gossipcheck-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
    const router = `${prefix}-router`;
    const hosts = Array.from({ length: count }, (_, index) => ({
      namespace: `${prefix}-${index}`,
      address: `10.77.${index}.2`,
    }));
    const guardian = startGuardian([...hosts.map((host) => host.namespace), router]);
    const network = new TestNetwork({ router, hosts, guardian });
    try {
      await guardian.stdout.wait((line) => line === "ready", {
        what: "start of the namespaces' guardian",
        timeoutMs: 10_000,
      });
      await mustRun({ program: "sh", args: ["-eu"] }, { input: creationScript(router, hosts) });
      return network;
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One host by its number. */
  host(index: number): NetworkHost {
    const host = this.hosts[index];
    if (host === undefined) throw new RangeError(`the network has no host ${index}`);
    return host;
  }

  /** The command line that runs `line` on `host`. */
  on(host: NetworkHost, line: CommandLine): CommandLine {
    return inNamespace(host.namespace, line);
  }

  /** From now on these packets are lost by chance, and no others. */
  async setLoss(rules: readonly LossRule[]): Promise<void> {
    await this.#nft(["flush chain ip faults loss", ...rules.map(lossStatement)]);
  }

  /** From now on these packets never arrive either. */
  async cut(cut: Cut): Promise<void> {
    await this.#nft([`add element ip faults cuts { ${cutElements(cut)} }`]);
  }

  /** Takes a cut back. */
  async mend(cut: Cut): Promise<void> {
    await this.#nft([`delete element ip faults cuts { ${cutElements(cut)} }`]);
  }

  /** From now on every packet between hosts is held back so. Needs Go, for `tests/go/relay`. */
  async setDelay(delay: Delay): Promise<void> {
    this.#relay ??= await this.#startRelay();
    const since = this.#relay.stdout.all.length;
    await this.#relay.writeLine(JSON.stringify(delay));
    await this.#relay.stdout.wait((line) => line === "changed", {
      what: "confirmation of the relay",
      timeoutMs: 5000,
      since,
    });
  }

  /** Ends whatever still runs in the namespaces and removes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay?.[Symbol.asyncDispose]();
    await this.#guardian.endInput();
    await this.#guardian.status;
    await this.#guardian[Symbol.asyncDispose]();
  }

  async #nft(statements: readonly string[]): Promise<void> {
    const line = { program: "nft", args: ["-f", "-"] };
    await mustRun(inNamespace(this.#router, line), { input: statements.join("\n") + "\n" });
  }

  /** Sends what comes from a host through a TUN device, whose other end the relay holds. */
  async #startRelay(): Promise<TestProcess> {
    const program = await buildGoTool("relay");
    const script = [
      "ip tuntap add dev held mode tun",
      "ip link set held up",
      "ip route add default dev held table 100",
      ...this.hosts.map((_, index) => `ip rule add iif host${index} lookup 100`),
    ];
    const shell = inNamespace(this.#router, { program: "sh", args: ["-eu"] });
    await mustRun(shell, { input: script.join("\n") });
    const relay = new TestProcess(inNamespace(this.#router, { program, args: ["held"] }));
    await relay.stdout.wait((line) => line === "ready", {
      what: "start of the relay",
      timeoutMs: 10_000,
    });
    return relay;
  }
}

/**
 * A process that removes the namespaces once its stdin ends, which it does when this test disposes
 * of the network, and just as well when the test's process dies in whatever way.
 */
function startGuardian(namespaces: readonly string[]): TestProcess {
  const script = `trap '' INT TERM HUP
    echo ready
    while read -r _; do :; done
    for namespace in "$@"; do
      for pid in $(ip netns pids "$namespace" 2>/dev/null); do kill -s KILL "$pid" || :; done
      ip netns del "$namespace" 2>/dev/null || :
    done`;
  return new TestProcess({ program: "sh", args: ["-c", script, "guardian", ...namespaces] });
}

function inNamespace(namespace: string, line: CommandLine): CommandLine {
  return {
    ...line,
    program: "ip",
    args: ["netns", "exec", namespace, line.program, ...line.args],
  };
}

function creationScript(router: string, hosts: readonly NetworkHost[]): string {
  const made = hosts.map((host, index) => `
    ip netns add ${host.namespace}
    ip -n ${host.namespace} link set lo up
    ip -n ${router} link add host${index} type veth peer name eth0 netns ${host.namespace}
    ip -n ${router} address add 10.77.${index}.1/30 dev host${index}
    ip -n ${router} link set host${index} up
    ip -n ${host.namespace} address add ${host.address}/30 dev eth0
    ip -n ${host.namespace} link set eth0 up
    ip -n ${host.namespace} route add default via 10.77.${index}.1`);
  // A packet that is held back passes the hook twice; the faults are for the first time.
  return `
    ip netns add ${router}
    ip -n ${router} link set lo up
    ip netns exec ${router} sh -c 'cd /proc/sys/net/ipv4; echo 1 > ip_forward
      echo 0 > conf/all/rp_filter; echo 0 > conf/default/rp_filter'
    ${made.join("")}
    ip netns exec ${router} nft -f - <<'END'
      table ip faults {
        set cuts { type ipv4_addr . ipv4_addr . inet_proto; }
        chain loss { }
        chain forward {
          type filter hook forward priority filter;
          iifname "held" accept
          ip saddr . ip daddr . ip protocol @cuts drop
          jump loss
        }
      }
END
`;
}

function lossStatement(rule: LossRule): string {
  const match = [
    rule.from && `ip saddr ${rule.from.address}`,
    rule.to && `ip daddr ${rule.to.address}`,
    rule.protocol && `ip protocol ${rule.protocol}`,
  ].filter((part) => part !== undefined);
  return `add rule ip faults loss ${match.join(" ")} numgen random mod 100 < ${rule.percent} drop`;
}

function cutElements(cut: Cut): string {
  const pairs = cut.from.flatMap((from) =>
    cut.to.flatMap((to) => cut.oneWay ? [[from, to]] : [[from, to], [to, from]])
  );
  const protocols = cut.protocols ?? ["icmp", "tcp", "udp"];
  return pairs.flatMap((pair) =>
    protocols.map((protocol) => [...pair.map((host) => host.address), protocol].join(" . "))
  ).join(", ");
}
