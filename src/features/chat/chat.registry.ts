import { Conversation, type Speaker } from './chat.conversation';
import type { ClientId, Command, Effect, Present, Told } from './chat.effects';
import type { People } from './chat.people';
import type { Room } from './chat.room';
import type { RoomLimits } from './chat.rooms';
import { ChatTalk } from './chat.talk';
import { joinedTold } from './chat.told';

type Of<Type extends Command['type']> = Command & { readonly type: Type };

/**
 * The one owner of the conversation: who is here, under which name and in which room, and what was said. Commands go in, one
 * after another, and effects come out; nothing waits, nothing is shared, and no clock is read, so the same commands have
 * the same effects.
 */
export class ChatRegistry {
  private readonly conversation: Conversation;
  private readonly talk: ChatTalk;
  // By the room that each wants to hear, or hears.
  private readonly listeners = new Map<ClientId, string>();

  constructor(limits: RoomLimits) {
    this.conversation = new Conversation(limits);
    this.talk = new ChatTalk(this.conversation);
  }

  /** The effects are to be done in order, before the next command. */
  apply(command: Command): readonly Effect[] {
    this.run(command);
    return this.conversation.take();
  }

  get people(): People {
    return this.conversation.people;
  }

  /** Rooms that this process knows. */
  get roomCount(): number {
    return this.conversation.rooms.size;
  }

  /** How a room stands; undefined for one that is not open here. */
  room(name: string): Pick<Room, 'epoch' | 'seq' | 'find' | 'around'> | undefined {
    const room = this.conversation.rooms.find(name);
    return room?.open ? room : undefined;
  }

  /** The name of a client and where it is; undefined while it is nobody. */
  speaker(client: ClientId): Speaker | undefined {
    return this.conversation.speakers.get(client);
  }

  private run(command: Command): void {
    // Each is under its own name.
    (this.handlers[command.type] as (command: Command) => void)(command);
  }

  private readonly handlers: { readonly [Type in Command['type']]: (command: Of<Type>) => void } = {
    register: (command) => this.register(command),
    claimed: (command) => this.claimed(command),
    enter: (command) => this.enter(command),
    listen: (command) => this.listen(command),
    say: (command) => this.talk.say(command),
    post: (command) => this.talk.post(command),
    read: (command) => this.talk.read(command),
    published: (command) => this.talk.published(command),
    arrived: (command) => this.talk.arrived(command),
    deleted: (command) => this.talk.deleted(command),
    opened: (command) => this.opened(command),
    whisper: (command) => this.talk.whisper(command),
    sent: (command) => this.talk.sent(command),
    whispered: (command) => this.talk.whispered(command),
    users: (command) => this.talk.users(command),
    leave: ({ client }) => this.leave(client),
    elsewhere: ({ life, present }) => this.conversation.elsewhere(life, present),
    gone: ({ life, canonical }) => this.gone(life, canonical),
  };

  private opened(command: Of<'opened'>): void {
    for (const waiting of this.talk.opened(command)) this.run(waiting);
    const room = this.conversation.rooms.find(command.room);
    if (room) this.conversation.rooms.tidy(room);
  }

  private register({ client, name, canonical, userId, room, afterSeq, epoch }: Of<'register'>): void {
    const { speakers, people } = this.conversation;
    if (speakers.has(client)) {
      this.conversation.refuse(client, 'already_registered');
      return;
    }
    if (people.has(canonical)) {
      this.conversation.refuse(client, 'username_taken');
      return;
    }
    people.reserve(canonical);
    speakers.set(client, { name, canonical, userId, wanted: room, claiming: true, resume: { afterSeq, epoch } });
    this.conversation.emit({ type: 'claim', client, name, canonical });
  }

  private claimed({ client: id, granted }: Of<'claimed'>): void {
    const speaker = this.conversation.speakers.get(id);
    if (!speaker) return;
    if (granted && speaker.claiming) {
      speaker.claiming = false;
      this.enter({ type: 'enter', client: id, room: speaker.wanted, ...speaker.resume });
    } else if (!granted) {
      // Also later: another process has more right to the name, after both were without Redis.
      this.conversation.depart(id, speaker);
      this.conversation.refuse(id, 'username_taken');
    }
  }

  private enter(command: Of<'enter'>): void {
    const { client: id, room: name, waited, ...resume } = command;
    const speaker = this.conversation.speakers.get(id);
    if (!speaker || speaker.claiming) {
      this.conversation.refuse(id, 'not_registered');
      return;
    }
    // A later wish came true first, or will.
    if (waited && speaker.wanted !== name) return;
    speaker.wanted = name;
    const first = speaker.room === undefined;
    const room = this.conversation.ready(name, { ...command, waited: true });
    if (room === 'full') {
      this.turnAway(id, speaker, first);
      return;
    }
    if (!room) return;
    const before = speaker.room;
    if (before && before !== room) this.conversation.exit(id, speaker, before);
    this.show(
      id,
      room,
      resume,
      first ? { type: 'welcome', name: speaker.name, userId: speaker.userId } : { type: 'room' },
    );
    if (before === room) return;
    speaker.room = room;
    room.members.add(id);
    const present = presentOf(speaker, room);
    this.conversation.people.put(present, id);
    this.conversation.emit({ type: 'present', present });
    this.conversation.broadcast(room, joinedTold(present), id);
  }

  /** A client that has no name yet has none then; the others stay where they are. */
  private turnAway(id: ClientId, speaker: Speaker, first: boolean): void {
    if (first) this.conversation.depart(id, speaker);
    else speaker.wanted = speaker.room?.name ?? speaker.wanted;
    this.conversation.refuse(id, 'too_many_rooms');
  }

  /** A listener hears a room and is nobody in it. */
  private listen(command: Of<'listen'>): void {
    const { client, room: name, ...resume } = command;
    // It keeps the room that it asked for first.
    if ((this.listeners.get(client) ?? name) !== name) return;
    this.listeners.set(client, name);
    const room = this.conversation.ready(name, command);
    if (room === 'full') {
      this.conversation.refuse(client, 'too_many_rooms');
      return;
    }
    if (!room) return;
    this.show(client, room, resume, { type: 'room' });
    room.members.add(client);
  }

  /** Tells how the room stands, and what the client has missed there. */
  private show(client: ClientId, room: Room, resume: { readonly afterSeq?: number | undefined }, told: Told): void {
    const { seq, epoch, messages, gone, reset } = room.read(resume);
    const missed = { ...(gone > 0 && { count: gone }), ...(reset && { reset }) };
    const first = { ...told, room: room.name, seq, epoch, ...missed };
    // What it has heard may have been deleted since.
    const deleted = reset ? [] : room.deletedUpTo(resume.afterSeq ?? 0);
    if (resume.afterSeq === undefined || messages.length + deleted.length === 0) this.conversation.tell(client, first);
    else this.conversation.emit({ type: 'replay', client, first, deleted, messages, room: { room: room.name, epoch } });
  }

  private leave(id: ClientId): void {
    const room = this.conversation.rooms.find(this.listeners.get(id) ?? '');
    if (this.listeners.delete(id) && room) {
      room.members.delete(id);
      // What waits is run when the room is open, and would let it in again.
      room.waiting = room.waiting.filter((command) => !('client' in command && command.client === id));
      this.conversation.rooms.tidy(room);
    }
    const speaker = this.conversation.speakers.get(id);
    if (speaker) this.conversation.depart(id, speaker);
  }

  private gone(life: string, canonical?: string): void {
    const { people } = this.conversation;
    people.dropDoubles(life, canonical);
    for (const person of canonical === undefined ? people.ofLife(life) : [people.find(canonical)]) {
      if (person?.life !== life) continue;
      people.remove(person.present.canonical);
      this.conversation.vanish(person.present);
    }
  }
}

function presentOf({ name, canonical, userId }: Speaker, room: Room): Present {
  return { name, canonical, room: room.name, userId };
}
