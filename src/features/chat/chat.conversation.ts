import type { ClientId, Command, Effect, Present, RefusalCode, Resume, Told } from './chat.effects';
import { People } from './chat.people';
import type { Room } from './chat.room';
import { type RoomLimits, Rooms } from './chat.rooms';
import { joinedTold, refusal } from './chat.told';

/** A connection that has a name, or has asked for one. */
export interface Speaker {
  readonly name: string;
  readonly canonical: string;
  readonly userId?: string | undefined;
  /** Where it is; undefined until it has entered its first room. */
  room?: Room | undefined;
  /** Where it is about to be. */
  wanted: string;
  /** Nobody has said yet that the name is its own. */
  claiming: boolean;
  readonly resume: Resume;
}

/** The state of the conversation, and the effects of the command that is under way. Only the registry changes it. */
export class Conversation {
  readonly speakers = new Map<ClientId, Speaker>();
  readonly people = new People();
  readonly rooms: Rooms;
  private effects: Effect[] = [];

  constructor(limits: RoomLimits) {
    this.rooms = new Rooms(limits, (room) => this.emit({ type: 'closed', room }));
  }

  /** The effects since the last call. */
  take(): readonly Effect[] {
    const taken = this.effects;
    this.effects = [];
    return taken;
  }

  emit(effect: Effect): void {
    this.effects.push(effect);
  }

  tell(client: ClientId, told: Told): void {
    this.emit({ type: 'tell', client, told });
  }

  refuse(client: ClientId, code: RefusalCode, id?: string): void {
    this.tell(client, refusal(code, id));
  }

  broadcast(room: Room, told: Told, except?: ClientId): void {
    if (room.members.size > 0) this.emit({ type: 'broadcast', to: { clients: room.members, except }, told });
  }

  /** The room, once it is open; until then the command waits. `full`: there are too many, and none that could go. */
  ready(name: string, command: Command): Room | undefined | 'full' {
    const known = this.rooms.find(name);
    if (known?.open) return known;
    const room = known ?? this.rooms.create(name);
    if (!room) return 'full';
    room.waiting.push(command);
    if (!known) this.emit({ type: 'open', room: name, create: command.type !== 'read' });
    return undefined;
  }

  /** The room where a speaker is; while it is about to enter another, the command waits with it. */
  where(speaker: Speaker, command: Command): Room | undefined {
    if (speaker.room?.name === speaker.wanted) return speaker.room;
    this.rooms.find(speaker.wanted)?.waiting.push(command);
    return undefined;
  }

  /** The speaker leaves the room; those who stay are told. */
  exit(id: ClientId, { name }: Speaker, room: Room): void {
    room.members.delete(id);
    this.broadcast(room, { type: 'left', name, room: room.name });
    this.rooms.tidy(room);
  }

  /** Somebody of another process is in this room now. */
  elsewhere(life: string, present: Present): void {
    const known = this.people.find(present.canonical);
    if (known?.client !== undefined) {
      this.people.putDouble(present, life);
      return;
    }
    if (known?.life === life && known.present.room === present.room) return;
    if (known) this.vanish(known.present);
    this.people.putElsewhere(present, life);
    const room = this.rooms.find(present.room);
    if (room) this.broadcast(room, joinedTold(present));
  }

  /** Somebody elsewhere is no longer in this room. */
  vanish({ name, room: roomName }: Present): void {
    const room = this.rooms.find(roomName);
    if (room) this.broadcast(room, { type: 'left', name, room: roomName });
  }

  /** The speaker is gone, and with it its name. */
  depart(id: ClientId, speaker: Speaker): void {
    this.speakers.delete(id);
    this.people.unreserve(speaker.canonical);
    if (speaker.room) {
      this.people.remove(speaker.canonical);
      this.exit(id, speaker, speaker.room);
      this.emit({ type: 'absent', canonical: speaker.canonical });
    }
    this.emit({ type: 'release', canonical: speaker.canonical });
    const double = this.people.takeDouble(speaker.canonical);
    if (double) this.elsewhere(double.life, double.present);
  }
}
