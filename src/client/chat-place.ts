import type { ClientFrame, ServerFrame } from '../generated/aerie/chat/v1/chat';

/** Where a client stands in the conversation: its room, and the last message of it that it has heard. */
export class ChatPlace {
  private seq: number | undefined;
  private epoch: string | undefined;
  private latest = 0;
  /** Up to this number nothing was heard. */
  private from = 0;
  /** Numbers of messages that are known to be deleted. */
  private readonly deleted = new Set<number>();
  /** What has been heard lately, for numberings that begin anew. A room keeps no more. */
  private readonly heard = new Set<string>();

  constructor(private room: string) {}

  /** What `hello` says to get exactly the rest. */
  get resume(): Pick<ClientFrame, 'room' | 'afterSeq' | 'epoch'> {
    return this.seq === undefined ? { room: this.room } : { room: this.room, afterSeq: this.seq, epoch: this.epoch };
  }

  /** False while messages come that were said before the client was back. */
  get isCaughtUp(): boolean {
    return (this.seq ?? 0) >= this.latest;
  }

  /** `welcome`: the client is here, again or for the first time. */
  enter({ room = this.room, seq = 0, epoch, count = 0, reset }: ServerFrame): void {
    const resumed = this.seq !== undefined && room === this.room;
    this.latest = seq;
    if (!resumed) this.move(room, seq, epoch);
    else if (reset) this.move(room, 0, epoch);
    else this.move(room, (this.seq ?? 0) + count, epoch);
  }

  /** `room`: the client has moved, or the numbers of the room go on from there. */
  stand({ room = this.room, seq = 0, epoch }: ServerFrame): void {
    this.latest = seq;
    this.move(room, seq, epoch);
  }

  /** Whether a message is news, which it is once. */
  isNews({ seq = 0, epoch, from, at, id, text }: ServerFrame): boolean {
    if (epoch === this.epoch && seq <= (this.seq ?? 0)) return false;
    // Of another numbering: those that were said before the client was back may be known under other numbers.
    const again = seq <= this.latest;
    const key = JSON.stringify([from, at, id, text]);
    this.seq = seq;
    this.epoch = epoch;
    if (again && this.heard.has(key)) return false;
    this.keep(key);
    return true;
  }

  /** Whether it is news that a message was deleted. After each lost connection the server tells it of all that it keeps. */
  isDeletion({ seq = 0, epoch }: ServerFrame): boolean {
    if (epoch !== this.epoch || seq <= this.from || this.deleted.has(seq)) return false;
    this.deleted.add(seq);
    return true;
  }

  private move(room: string, seq: number, epoch: string | undefined): void {
    if (room !== this.room) this.heard.clear();
    if (room !== this.room || epoch !== this.epoch) {
      this.from = seq;
      this.deleted.clear();
    }
    this.room = room;
    this.seq = seq;
    this.epoch = epoch;
  }

  private keep(key: string): void {
    this.heard.add(key);
    for (const oldest of this.heard) {
      if (this.heard.size <= 1000) break;
      this.heard.delete(oldest);
    }
  }
}
