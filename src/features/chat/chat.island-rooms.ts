import { ulid } from 'ulid';
import type { Numbered, Outcome, RoomState, Said } from './chat.effects';
import { historySize, idKey } from './chat.room';

const maxIds = 10_000;

interface Known {
  /** How the room was in Redis when it was last heard of. */
  epoch: string;
  seq: number;
  messages: Numbered[];
  /** The numbers of this process alone, while it is an island. */
  own: { readonly epoch: string; seq: number; readonly messages: Numbered[] } | undefined;
}

/** The rooms that this process has open: as Redis has numbered them, and with numbers of their own while there is no Redis. */
export class IslandRooms {
  private readonly known = new Map<string, Known>();
  // What was said here with an id: a retry after the island is one, too.
  private readonly ids = new Map<string, { readonly text: string; readonly seq: number; readonly epoch: string }>();
  // What was said here, though it may have got to Redis, too.
  private readonly saidAlone = new Set<string>();
  private readonly aloneIds = new Map<string, { readonly key: string; readonly text: string }[]>();

  rooms(): string[] {
    return [...this.known.keys()];
  }

  forget(room: string): void {
    this.known.delete(room);
  }

  /** Those in which nothing was said yet. */
  silent(): string[] {
    return [...this.known].flatMap(([room, { seq }]) => (seq === 0 ? [room] : []));
  }

  /** What was said here alone with an id, by room. */
  saidWithId(): ReadonlyMap<string, readonly { readonly key: string; readonly text: string }[]> {
    return this.aloneIds;
  }

  /** How Redis has it. */
  know(room: string, { epoch, seq, messages }: RoomState): void {
    this.known.set(room, { epoch, seq, messages: [...messages], own: undefined });
  }

  heard(room: string, epoch: string, message: Numbered): void {
    const known = this.known.get(room);
    if (!known || known.epoch !== epoch || message.seq !== known.seq + 1) return;
    known.seq = message.seq;
    known.messages.push(message);
    if (known.messages.length > historySize) known.messages.shift();
  }

  /** Redis is back, and each room goes on with its numbers. */
  join(): void {
    this.saidAlone.clear();
    this.aloneIds.clear();
  }

  /** The room on the island. What was said before keeps its order and gets numbers of the island. */
  state(room: string): RoomState {
    const own = this.ownOf(room);
    return { epoch: own.epoch, seq: own.seq, messages: [...own.messages] };
  }

  say(room: string, said: Said): { readonly epoch: string; readonly message: Numbered } {
    const own = this.ownOf(room);
    own.seq += 1;
    const message = { ...said, seq: own.seq };
    own.messages.push(message);
    if (own.messages.length > historySize) own.messages.shift();
    this.saidAlone.add(said.uid);
    if (said.id !== undefined) {
      const key = idKey(said);
      this.ids.set(`${room}\0${key}`, { text: said.text, seq: own.seq, epoch: own.epoch });
      const alone = this.aloneIds.get(room) ?? [];
      // Redis is told a thousand of each room.
      this.aloneIds.set(room, [...alone.slice(-historySize + 1), { key, text: said.text }]);
    }
    for (const oldest of this.ids.keys()) {
      if (this.ids.size <= maxIds) break;
      this.ids.delete(oldest);
    }
    return { epoch: own.epoch, message };
  }

  /** What becomes of a message that was said on the island with the same id; undefined where none was. */
  saidBefore(room: string, said: Said): Outcome | undefined {
    const before = said.id === undefined ? undefined : this.ids.get(`${room}\0${idKey(said)}`);
    if (!before) return undefined;
    const { text, seq, epoch } = before;
    return text === said.text ? { kind: 'duplicate', seq, epoch } : { kind: 'refused', code: 'id_reused' };
  }

  /** Wherever the message is kept, its text is not. */
  bury(room: string, epoch: string, seq: number): void {
    const known = this.known.get(room);
    for (const numbers of known ? [known, known.own] : []) {
      if (numbers?.epoch !== epoch) continue;
      const at = numbers.messages.findIndex((message) => message.seq === seq);
      const message = numbers.messages[at];
      if (message) numbers.messages[at] = { ...message, text: '', deleted: true };
    }
  }

  /** What Redis has of the room that nobody of this process has heard. */
  unheard(room: string, state: RoomState): Numbered[] {
    const known = this.known.get(room);
    const after = known?.epoch === state.epoch ? known.seq : 0;
    return state.messages.filter(({ seq, uid }) => seq > after && !this.saidAlone.has(uid));
  }

  private ownOf(room: string) {
    const known = this.known.get(room) ?? { epoch: '', seq: 0, messages: [], own: undefined };
    this.known.set(room, known);
    if (!known.own) {
      const messages = known.messages.map((message, i) => ({ ...message, seq: i + 1 }));
      known.own = { epoch: ulid(), seq: messages.length, messages };
    }
    return known.own;
  }
}
