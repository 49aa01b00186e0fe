import { Room } from './chat.room';

export interface RoomLimits {
  readonly maxRooms: number;
  /** Of all rooms together. */
  readonly maxMessages: number;
}

/**
 * The rooms that this process knows, the one that was used longest ago first. A room with nobody and nothing in it is
 * forgotten; where there are too many, or too many messages, those go first that nobody is in.
 */
export class Rooms {
  private readonly rooms = new Map<string, Room>();
  private messages = 0;

  constructor(
    private readonly limits: RoomLimits,
    private readonly closed: (room: string) => void,
  ) {}

  get size(): number {
    return this.rooms.size;
  }

  find(name: string): Room | undefined {
    return this.rooms.get(name);
  }

  /** A room of which nothing is known yet; undefined when there are too many in use. */
  create(name: string): Room | undefined {
    if (this.rooms.size >= this.limits.maxRooms) {
      const idle = this.firstIdle();
      if (!idle) return undefined;
      this.forget(idle);
    }
    const room = new Room(name);
    this.rooms.set(name, room);
    return room;
  }

  /** It was used just now. */
  touch(room: Room): void {
    if (this.rooms.get(room.name) !== room) return;
    this.rooms.delete(room.name);
    this.rooms.set(room.name, room);
  }

  /** So many messages more are kept now. */
  count(more: number): void {
    this.messages += more;
    while (this.messages > this.limits.maxMessages) {
      const idle = this.firstIdle();
      if (idle) this.forget(idle);
      else if (!this.forgetOne()) return;
    }
  }

  /** Forgets the room if nothing is lost with it. */
  tidy(room: Room): void {
    if (room.open && room.isEmpty) this.forget(room);
  }

  /** A room that could not be opened, and nobody waits for. */
  drop(room: Room): void {
    this.forget(room);
  }

  private firstIdle(): Room | undefined {
    for (const room of this.rooms.values()) if (room.open && room.isIdle) return room;
    return undefined;
  }

  private forgetOne(): boolean {
    for (const room of this.rooms.values()) {
      // Whoever talks keeps what was just said.
      if (room.kept <= 1) continue;
      room.forgetOldest();
      this.messages -= 1;
      return true;
    }
    return false;
  }

  private forget(room: Room): void {
    if (this.rooms.get(room.name) !== room) return;
    this.rooms.delete(room.name);
    this.messages -= room.kept;
    this.closed(room.name);
  }
}
