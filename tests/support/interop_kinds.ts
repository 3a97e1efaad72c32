/**
 * The clusters that ours is tried in: which program its members run, and how they are set up.
 * @module
 */
import type { ClusterNode, ForeignNode, NodeStart, NodeStarter } from "./cluster_node.ts";
import { GoPeer, type GoPeerOptions } from "./go_peer.ts";
import { buildGoTool, installSerf } from "./go_tools.ts";
import { GossipcheckNode } from "./gossipcheck_node.ts";
import { SerfAgent } from "./serf_agent.ts";

/** One kind of cluster. */
export interface InteropKind {
  /** Names it in the test's output. */
  readonly name: string;
  /** What its bare memberlist nodes are started with. */
  readonly memberlist: Partial<Omit<GoPeerOptions, "program" | "name">>;
  /** What ours are started with. */
  readonly ourFlags: readonly string[];
  /** Set where its members are Serf agents; bare memberlist nodes then only watch. */
  readonly serf?: { readonly key?: string };
}

/** Delegate versions of Serf v0.11, without which its cluster takes no bare memberlist node. */
const SERF_VERSIONS = [2, 5, 5] as const;
const KEYS = [16, 24, 32].map((bytes) => new Uint8Array(bytes).fill(bytes).toBase64());
const [AES_128 = "", AES_192 = "", AES_256 = ""] = KEYS;

/** All of them. */
export const INTEROP_KINDS: readonly InteropKind[] = [
  { name: "memberlist, plain", memberlist: { compress: false }, ourFlags: [] },
  { name: "memberlist, compressed", memberlist: { compress: true }, ourFlags: [] },
  {
    name: "memberlist, AES-128",
    memberlist: { compress: false, keys: [AES_128] },
    ourFlags: [`-encrypt=${AES_128}`],
  },
  {
    name: "memberlist, labelled",
    memberlist: { compress: false, label: "blue" },
    ourFlags: ["-label=blue"],
  },
  {
    name: "memberlist, AES-256 and label and compression",
    memberlist: { compress: true, keys: [AES_256], label: "blue" },
    ourFlags: [`-encrypt=${AES_256}`, "-label=blue"],
  },
  {
    name: "Serf",
    memberlist: { delegateVersions: SERF_VERSIONS },
    ourFlags: [],
    serf: {},
  },
  {
    name: "Serf, AES-192",
    memberlist: { delegateVersions: SERF_VERSIONS, keys: [AES_192] },
    ourFlags: [`-encrypt=${AES_192}`],
    serf: { key: AES_192 },
  },
];

/** The programs that foreign nodes run. */
export interface ForeignPrograms {
  /** The built `tests/go/peer`. */
  readonly peer: string;
  /** Serf. */
  readonly serf: string;
}

/** Builds or finds them. */
export async function foreignPrograms(): Promise<ForeignPrograms> {
  return { peer: await buildGoTool("peer"), serf: await installSerf() };
}

/** What starts each sort of node of one kind of cluster. */
export interface InteropStarters {
  /** Ours. */
  readonly startOurs: NodeStarter<ClusterNode>;
  /** A node of the foreign program. */
  readonly startTheirs: NodeStarter<ForeignNode>;
  /** A bare memberlist node that fits in; `count` of them in one process. */
  readonly startWitness: (start: NodeStart & { readonly count?: number }) => Promise<GoPeer>;
}

/** The starters of one kind. */
export function startersOf(kind: InteropKind, programs: ForeignPrograms): InteropStarters {
  const { serf } = kind;
  const startWitness: InteropStarters["startWitness"] = (start) =>
    GoPeer.start({ program: programs.peer, ...kind.memberlist, ...start });
  return {
    startOurs: (start) => GossipcheckNode.start({ ...start, flags: kind.ourFlags }),
    startTheirs: serf === undefined
      ? startWitness
      : (start) => SerfAgent.start({ program: programs.serf, ...serf, ...start }),
    startWitness,
  };
}
