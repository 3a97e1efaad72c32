/**
 * Which messages between nodes are good: those addressed to this life of this node, by the life of
 * their sender that the membership knows, and none of them twice.
 *
 * A session is drawn at each start and published in the node's meta. A message that was captured is
 * of no use after either end has started again, since one of its two sessions is no longer current;
 * before that, its number has come. What came is remembered as long as this node's own session
 * lasts: where there is no room for one more sender, this node takes a new session, so that all
 * that is forgotten is worth nothing.
 * @module
 */
import type { DropReason } from "../errors.ts";
import { LINK_SESSIONS_MAX } from "../limits.ts";
import type { Random } from "../runtime.ts";
import type { PeerView } from "../gossip/types.ts";
import { LINK_NUMBER_MAX, type LinkHead, newSession, type Session } from "./header.ts";
import { ReplayWindow } from "./replay_window.ts";

/** Why a message is not good. */
export interface LinkProblem {
  /** Which counter. */
  readonly reason: DropReason;
  /** For people. */
  readonly detail: string;
  /** The message has come before, and may be said to have. */
  readonly repeated: boolean;
}

/** What it is made with. */
export interface LinksOptions {
  /** The membership, with everybody's session. */
  readonly peers: PeerView;
  /** This node's first session. */
  readonly session: Session;
  /** For further ones. */
  readonly random: Random;
  /** Lives of others whose messages are told apart at once. Default `LINK_SESSIONS_MAX`. */
  readonly maxSessions?: number;
  /** This node has a new session, to be published. */
  readonly renewed: (session: Session) => void;
}

/** All that this node says to others and hears of them. */
export class Links {
  readonly #options: LinksOptions;
  /** By name and session: nobody uses up another's numbers. */
  readonly #windows = new Map<string, ReplayWindow>();
  /** The last number that was used to each member; who was sent to last comes last. */
  readonly #numbers = new Map<string, number>();
  /** Above every number of a member that is no longer in `#numbers`. */
  #floor = 0;
  #session: Session;

  /** Has heard nothing and said nothing. */
  constructor(options: LinksOptions) {
    this.#options = options;
    this.#session = options.session;
  }

  /** This node's session. */
  get session(): Session {
    return this.#session;
  }

  /** The head of the next message to a member; `undefined` where its session is not known. */
  next(to: string, kind: LinkHead["kind"]): LinkHead | undefined {
    const session = this.#options.peers.peer(to)?.session;
    if (session === undefined) return undefined;
    const number = Math.min((this.#numbers.get(to) ?? this.#floor) + 1, LINK_NUMBER_MAX);
    this.#numbers.delete(to);
    this.#numbers.set(to, number);
    const [eldest] = this.#numbers;
    if (eldest !== undefined && this.#numbers.size > this.#maxSessions) {
      this.#floor = Math.max(this.#floor, eldest[1]);
      this.#numbers.delete(eldest[0]);
    }
    return { kind, to: session, from: this.#self, fromSession: this.#session, number };
  }

  /** The head of what answers a message. */
  answer(head: LinkHead, kind: "receipt" | "acknowledgement"): LinkHead {
    return {
      kind,
      to: head.fromSession,
      from: this.#self,
      fromSession: this.#session,
      number: head.number,
    };
  }

  /** What is wrong with where an answer comes from or goes to. */
  checkSessions(head: LinkHead): LinkProblem | undefined {
    const wrong = (detail: string): LinkProblem => ({
      reason: "wrong_session",
      detail,
      repeated: false,
    });
    if (head.to !== this.#session) {
      return wrong("it is addressed to an earlier life of this node, or to another node");
    }
    if (this.#options.peers.peer(head.from)?.session === head.fromSession) return undefined;
    return wrong("it is of a life of its sender that the membership does not know");
  }

  /** What is wrong with a message; nothing changes. */
  check(head: LinkHead): LinkProblem | undefined {
    const problem = this.checkSessions(head);
    if (problem !== undefined) return problem;
    const verdict = this.#windows.get(lifeOf(head))?.judge(head.number) ?? "new";
    if (verdict === "new") return undefined;
    const repeated = verdict === "repeated";
    const detail = repeated
      ? `its number ${head.number} has come before`
      : `its number ${head.number} lies far behind what has come`;
    return { reason: "replayed", detail, repeated };
  }

  /** A message that is good is taken: not again. */
  accept(head: LinkHead): void {
    const life = lifeOf(head);
    let window = this.#windows.get(life);
    if (window === undefined) {
      if (this.#windows.size >= this.#maxSessions) this.#renew();
      window = new ReplayWindow();
      this.#windows.set(life, window);
    }
    window.add(head.number);
  }

  get #maxSessions(): number {
    return this.#options.maxSessions ?? LINK_SESSIONS_MAX;
  }

  get #self(): string {
    return this.#options.peers.self.name;
  }

  #renew(): void {
    this.#windows.clear();
    this.#session = newSession(this.#options.random);
    this.#options.renewed(this.#session);
  }
}

/** Names one life of one sender. */
export function lifeOf(head: LinkHead): string {
  return `${head.fromSession} ${head.from}`;
}
