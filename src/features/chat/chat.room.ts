import type { ClientId, Command, Numbered, Read, Resume, RoomState, Said } from './chat.effects';

/** Messages that a room keeps. */
export const historySize = 1000;
/** Ids of messages that a room remembers. */
export const idsKept = 10_000;

/**
 * A room as this process knows it: who of this process is in it, and its latest messages, which have no hole. Until it is `open` nothing is
 * known of its messages, and commands wait.
 */
export class Room {
  readonly members = new Set<ClientId>();
  waiting: Command[] = [];
  open = false;
  /** Messages that are being numbered. */
  underway = 0;
  epoch = '';
  seq = 0;
  private messages: Numbered[] = [];
  private readonly byId = new Map<string, Numbered>();

  constructor(readonly name: string) {}

  /** Nobody and nothing is here that anybody could ask for. */
  get isEmpty(): boolean {
    return this.isIdle && this.messages.length === 0;
  }

  /** Nobody of this process is here, or waits for something here. */
  get isIdle(): boolean {
    return this.members.size === 0 && this.waiting.length === 0 && this.underway === 0;
  }

  get kept(): number {
    return this.messages.length;
  }

  /** Takes over what another place knows of the room. */
  become({ epoch, seq, messages }: RoomState): void {
    if (this.epoch !== epoch) this.byId.clear();
    this.open = true;
    this.epoch = epoch;
    this.seq = seq;
    this.messages = messages.slice(-historySize);
    for (const message of this.messages) this.index(message);
  }

  /** The next message. Answers how many more are kept now: 0 or 1. */
  append(message: Numbered): number {
    this.seq = message.seq;
    this.messages.push(message);
    this.index(message);
    if (this.messages.length <= historySize) return 1;
    this.forgetOldest();
    return 0;
  }

  /** Makes room for others. */
  forgetOldest(): void {
    this.messages.shift();
    // Its id is known for longer: in a busy room a retry comes when the message is gone.
    for (const key of this.byId.keys()) {
      if (this.byId.size <= idsKept) break;
      this.byId.delete(key);
    }
  }

  /** What the same sender has said with the same id of his own. */
  saidBefore(said: Pick<Said, 'canonical' | 'userId' | 'id'>): Numbered | undefined {
    return said.id === undefined ? undefined : this.byId.get(idKey(said));
  }

  find(seq: number): Numbered | undefined {
    const found = this.messages[seq - (this.messages[0]?.seq ?? 0)];
    return found?.seq === seq ? found : undefined;
  }

  /** Up to `side` messages before this one, it, and up to `side` after it. */
  around(seq: number, side: number): readonly Numbered[] {
    return this.messages.filter((message) => Math.abs(message.seq - seq) <= side);
  }

  /** Takes the text of a message away; undefined where there is none, or it has none. */
  bury(seq: number): Numbered | undefined {
    const message = this.find(seq);
    if (!message || message.deleted) return undefined;
    const tombstone: Numbered = { ...message, text: '', deleted: true };
    this.messages[seq - (this.messages[0] as Numbered).seq] = tombstone;
    if (message.id !== undefined && this.byId.get(idKey(message)) === message) this.byId.set(idKey(message), tombstone);
    return tombstone;
  }

  /** The numbers of tombstones up to this one. */
  deletedUpTo(last: number): number[] {
    return this.messages.flatMap(({ seq, deleted }) => (deleted && seq <= last ? [seq] : []));
  }

  /** The messages after a number: `limit` at most, of all the oldest. Without a number, or with one of another epoch: the latest. */
  read({ afterSeq, epoch }: Resume, limit = historySize): Read {
    const reset = (epoch !== undefined && epoch !== this.epoch) || (afterSeq ?? 0) > this.seq;
    const after = reset ? 0 : (afterSeq ?? 0);
    const oldest = this.messages[0]?.seq ?? this.seq + 1;
    const isLatest = afterSeq === undefined && !reset;
    const from = isLatest ? Math.max(0, this.messages.length - limit) : Math.max(0, after + 1 - oldest);
    const messages = this.messages.slice(from, from + limit);
    // Of a numbering that is over nobody knows how many there were.
    const gone = reset || afterSeq === undefined ? 0 : Math.max(0, oldest - 1 - after);
    return { epoch: this.epoch, seq: this.seq, messages, gone, reset };
  }

  private index(message: Numbered): void {
    if (message.id !== undefined) this.byId.set(idKey(message), message);
  }
}

/** An account has its ids under whatever name it comes; a free name has those of its own. */
export function idKey({ canonical, userId, id }: Pick<Said, 'canonical' | 'userId' | 'id'>): string {
  return `${userId === undefined ? canonical : `user:${userId}`}\0${id}`;
}
