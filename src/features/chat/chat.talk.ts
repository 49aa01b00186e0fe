import type { Conversation } from './chat.conversation';
import type { By, Command, Numbered, Outcome, Said, Sent, Told } from './chat.effects';
import { idKey, type Room } from './chat.room';
import { deletedTold, messageTold, whisperTold } from './chat.told';

const usersPage = 100;
const maxWhispersKept = 10_000;

type Of<Type extends Command['type']> = Command & { readonly type: Type };

/** What is said: in rooms, where it gets a number, and in whispers. A part of the registry. */
export class ChatTalk {
  // Whispers that came with an id, so that a retry is not whispered twice.
  private readonly whispers = new Map<string, string>();
  // Those that somebody here has heard, by receiver, sender and id.
  private readonly heard = new Map<string, string>();

  constructor(private readonly conversation: Conversation) {}

  say(command: Of<'say'>): void {
    const { client: id, uid, text, at, id: own } = command;
    const speaker = this.conversation.speakers.get(id);
    if (!speaker || speaker.claiming) {
      this.conversation.refuse(id, 'not_registered', own);
      return;
    }
    const room = this.conversation.where(speaker, command);
    if (!room) return;
    const { name: from, canonical, userId } = speaker;
    this.publish(room, { uid, from, canonical, userId, text, at, id: own }, { client: id });
  }

  post(command: Of<'post'>): void {
    const room = this.conversation.ready(command.room, command);
    if (room === 'full') this.settle({ ref: command.ref }, { kind: 'refused', code: 'too_many_rooms' });
    else if (room) this.publish(room, command.said, { ref: command.ref });
  }

  read(command: Of<'read'>): void {
    const { ref, limit, ...resume } = command;
    const room = this.conversation.ready(command.room, command);
    if (room === 'full') {
      this.settle({ ref }, { kind: 'refused', code: 'too_many_rooms' });
      return;
    }
    if (!room) return;
    this.conversation.emit({ type: 'answer', ref, answer: room.read(resume, limit) });
    this.conversation.rooms.tidy(room);
  }

  published({ room: name, by, outcome, said }: Of<'published'>): void {
    const room = this.conversation.rooms.find(name);
    if (room) room.underway -= 1;
    this.settle(by, outcome, said.id);
    if (room) this.conversation.rooms.tidy(room);
  }

  /** A number that is not the next one is no news, or there are some in between that have to be asked for. */
  arrived({ room: name, epoch, message }: Of<'arrived'>): void {
    const room = this.conversation.rooms.find(name);
    if (!room?.open) return;
    // In a room where nothing was said the first message brings the numbering.
    if (room.epoch === '' && message.seq === 1) room.epoch = epoch;
    if (epoch === room.epoch && message.seq <= room.seq) return;
    if (epoch !== room.epoch || message.seq !== room.seq + 1) {
      this.conversation.emit({ type: 'open', room: name, create: true });
      return;
    }
    this.conversation.rooms.count(room.append(message));
    this.conversation.broadcast(room, messageTold(message, { room: name, epoch }));
    this.conversation.rooms.touch(room);
  }

  deleted({ room: name, epoch, seq }: Of<'deleted'>): void {
    const room = this.conversation.rooms.find(name);
    if (!room?.open || room.epoch !== epoch || !room.bury(seq)) return;
    this.conversation.broadcast(room, deletedTold(name, epoch, seq));
  }

  /**
   * The room is as `state` says, and those who were here before are told what they have not heard. Answers the commands
   * that have waited for it, to be run next.
   */
  opened({ room: name, state, unheard = [] }: Of<'opened'>): readonly Command[] {
    const { rooms } = this.conversation;
    const room = rooms.find(name);
    if (!room) {
      // It was forgotten meanwhile.
      this.conversation.emit({ type: 'closed', room: name });
      return [];
    }
    const waiting = room.waiting;
    room.waiting = [];
    if (!state) {
      for (const command of waiting) this.fail(command);
      rooms.tidy(room);
      if (!room.open && room.isIdle) rooms.drop(room);
      return [];
    }
    const before = room.open ? { epoch: room.epoch, seq: room.seq } : undefined;
    // What was deleted while nobody could say so.
    if (before?.epoch === state.epoch)
      for (const { seq, deleted } of state.messages)
        if (deleted) this.deleted({ type: 'deleted', room: name, epoch: state.epoch, seq });
    if (!before || before.epoch !== state.epoch || before.seq < state.seq) {
      const kept = room.kept;
      room.become(state);
      rooms.count(room.kept - kept);
      if (before?.epoch === state.epoch) this.catchUp(room, before);
      else if (before) this.goOn(room, unheard);
    }
    return waiting;
  }

  whisper({ client: id, to, text, at, id: own }: Of<'whisper'>): void {
    const speaker = this.conversation.speakers.get(id);
    if (!speaker?.room) {
      this.conversation.refuse(id, 'not_registered', own);
      return;
    }
    if (to === speaker.canonical) {
      this.conversation.refuse(id, 'cannot_whisper_self', own);
      return;
    }
    const what = `${to}\0${text}`;
    const once = own === undefined ? undefined : idKey({ ...speaker, id: own });
    const before = once === undefined ? undefined : this.whispers.get(once);
    if (before === what) {
      this.conversation.tell(id, { type: 'said', id: own, duplicate: true });
      return;
    }
    if (before !== undefined) {
      this.conversation.refuse(id, 'id_reused', own);
      return;
    }
    const person = this.conversation.people.find(to);
    if (!person) {
      this.conversation.refuse(id, 'user_not_found', own);
      return;
    }
    const told = whisperTold(speaker, person.present.name, text, at);
    const sent: Sent = { client: id, life: person.life ?? '', to, told, id: own, once };
    if (person.client === undefined) {
      this.conversation.emit({ type: 'send', ...sent });
      return;
    }
    this.whispered(sent);
    this.sent({ type: 'sent', ...sent, delivered: true });
  }

  /** Only what was delivered is said to be, and makes a retry one. */
  sent({ client: id, to, told, id: own, once, delivered }: Of<'sent'>): void {
    const speaker = this.conversation.speakers.get(id);
    if (!delivered || !speaker) {
      this.conversation.refuse(id, 'unavailable', own);
      return;
    }
    this.conversation.tell(id, { ...told, id: own, own: true });
    if (once !== undefined) remember(this.whispers, once, `${to}\0${told.text}`);
  }

  /** Somebody here hears a whisper: once, though its sender may have said it again to another process. */
  whispered({ to, told, once }: Pick<Sent, 'to' | 'told' | 'once'>): void {
    const client = this.conversation.people.find(to)?.client;
    if (client === undefined) return;
    const key = `${to}\0${once}`;
    if (once !== undefined && this.heard.has(key)) return;
    if (once !== undefined) remember(this.heard, key, '');
    this.conversation.tell(client, told);
  }

  users(command: Of<'users'>): void {
    const { client, after } = command;
    const speaker = this.conversation.speakers.get(client);
    if (!speaker || speaker.claiming) {
      this.conversation.refuse(client, 'not_registered');
      return;
    }
    const room = this.conversation.where(speaker, command);
    if (!room) return;
    const found = this.conversation.people.page(after, usersPage + 1, room.name);
    const page = found.slice(0, usersPage);
    const [users, userIds] = [page.map(({ name }) => name), page.map(({ userId = '' }) => userId)];
    const more = found.length > usersPage ? { more: true } : {};
    this.conversation.tell(client, { type: 'users', room: room.name, users, userIds, ...more });
  }

  /** Unless it was said before: then its sender hears the number that it has. */
  private publish(room: Room, said: Said, by: By): void {
    const before = room.saidBefore(said);
    if (!before) {
      room.underway += 1;
      this.conversation.emit({ type: 'publish', room: room.name, said, by });
      return;
    }
    this.settle(by, repeated(before, said, room.epoch), said.id);
  }

  private settle(by: By, outcome: Outcome, id?: string): void {
    const { conversation } = this;
    if ('ref' in by) conversation.emit({ type: 'answer', ref: by.ref, answer: outcome });
    else if (outcome.kind === 'refused') conversation.refuse(by.client, outcome.code, id);
    else if (outcome.kind === 'duplicate') {
      const { seq, epoch } = outcome;
      conversation.tell(by.client, { type: 'said', id, seq, epoch, duplicate: true });
    }
  }

  /** Those who are here have heard all up to a number; some of what came after it may be gone. */
  private catchUp(room: Room, { epoch, seq: afterSeq }: { readonly epoch: string; readonly seq: number }): void {
    const { messages, gone } = room.read({ afterSeq, epoch });
    if (gone > 0) this.stand(room, afterSeq + gone, { count: gone });
    for (const message of messages) this.conversation.broadcast(room, messageTold(message, { room: room.name, epoch }));
  }

  /** The room has other numbers from now on. They have no hole that is not told. */
  private goOn(room: Room, unheard: readonly Numbered[]): void {
    let at = (unheard[0]?.seq ?? room.seq + 1) - 1;
    this.stand(room, at, { reset: true });
    for (const message of unheard) {
      if (message.seq !== at + 1) this.stand(room, message.seq - 1, {});
      this.conversation.broadcast(room, messageTold(message, { room: room.name, epoch: room.epoch }));
      at = message.seq;
    }
    if (at !== room.seq) this.stand(room, room.seq, {});
  }

  private stand({ name, epoch }: Room, seq: number, why: Pick<Told, 'count' | 'reset'>): void {
    const room = this.conversation.rooms.find(name);
    if (room) this.conversation.broadcast(room, { type: 'room', room: name, seq, epoch, ...why });
  }

  private fail(command: Command): void {
    if ('ref' in command) {
      this.settle({ ref: command.ref }, { kind: 'refused', code: 'unavailable' });
      return;
    }
    if (!('client' in command)) return;
    const speaker = this.conversation.speakers.get(command.client);
    if (command.type === 'enter' && speaker && !speaker.room) this.conversation.depart(command.client, speaker);
    else if (command.type === 'enter' && speaker) speaker.wanted = speaker.room?.name ?? speaker.wanted;
    this.conversation.refuse(command.client, 'unavailable');
  }
}

/** The oldest go. */
function remember(kept: Map<string, string>, key: string, value: string): void {
  kept.set(key, value);
  for (const oldest of kept.keys()) {
    if (kept.size <= maxWhispersKept) break;
    kept.delete(oldest);
  }
}

/** What becomes of a message whose id its sender has used before. */
export function repeated(before: Numbered, said: Said, epoch: string): Outcome {
  if (!before.deleted && before.text !== said.text) return { kind: 'refused', code: 'id_reused' };
  return { kind: 'duplicate', seq: before.seq, epoch, message: before };
}
