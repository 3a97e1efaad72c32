/**
 * The kinds of clusters that our nodes must work in: the program of the other members, and its settings.
 * @module
 */
import type { ClusterNode, ForeignNode, NodeStart, NodeStarter } from "./cluster_node.ts";
import { GoPeer, type GoPeerOptions } from "./go_peer.ts";
import { buildGoTool, installSerf } from "./go_tools.ts";
import { GossipcheckNode } from "./gossipcheck_node.ts";
import { SerfAgent } from "./serf_agent.ts";

/** A kind of cluster. */
export interface InteropKind {
  /** Its name in the output of the test. */
  readonly name: string;
  /** Settings of its bare memberlist nodes. */
  readonly memberlist: Partial<Omit<GoPeerOptions, "program" | "name">>;
  /** Flags of our nodes. */
  readonly ourFlags: readonly string[];
  /** Set if its members are Serf agents; bare memberlist nodes then only observe. */
  readonly serf?: { readonly key?: string };
}

/** Delegate versions of Serf v0.11. Its cluster refuses a bare memberlist node with others. */
const SERF_VERSIONS = [2, 5, 5] as const;
const KEYS = [16, 24, 32].map((bytes) => new Uint8Array(bytes).fill(bytes).toBase64());
const [AES_128 = "", AES_192 = "", AES_256 = ""] = KEYS;

/** All kinds. */
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

/** The executables of foreign nodes. */
export interface ForeignPrograms {
  /** The executable of `tests/go/peer`. */
  readonly peer: string;
  /** The `serf` executable. */
  readonly serf: string;
}

/** Builds the executables. */
export async function foreignPrograms(): Promise<ForeignPrograms> {
  return { peer: await buildGoTool("peer"), serf: await installSerf() };
}

/** Functions that start the nodes of one kind of cluster. */
export interface InteropStarters {
  /** Starts one of our nodes. */
  readonly startOurs: NodeStarter<ClusterNode>;
  /** Starts a node of the foreign program. */
  readonly startTheirs: NodeStarter<ForeignNode>;
  /** Starts a bare memberlist node, or `count` of them in one process. */
  readonly startWitness: (start: NodeStart & { readonly count?: number }) => Promise<GoPeer>;
}

/** Returns the starters of one kind. */
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
