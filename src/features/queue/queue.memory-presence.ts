import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../shared/clock/clock';
import { type Present, QueuePresence } from './queue.presence';

const maxRooms = 1000;
// About 100 MB in all; those who asked longest ago are forgotten first.
const maxPresent = 500_000;
const pruneEveryMs = 10_000;

interface Room {
  readonly until: Map<string, number>;
  prunedAt: number;
}

/** Who asks this process. */
@Injectable()
export class MemoryPresence extends QueuePresence {
  private readonly rooms = new LRUCache<string, Room>({ max: maxRooms });

  constructor(private readonly clock: Clock) {
    super();
  }

  override see({ saleId, ticketHash }: Present, forMs: number): void {
    const now = this.clock.monotonic();
    const room = this.rooms.get(saleId) ?? { until: new Map<string, number>(), prunedAt: now };
    this.rooms.set(saleId, room);
    // Last in the order of the map: the first is who was seen longest ago.
    const before = room.until.get(ticketHash) ?? 0;
    room.until.delete(ticketHash);
    room.until.set(ticketHash, Math.max(before, now + forMs));
    const [eldest] = room.until.size > maxPresent ? room.until.keys() : [];
    if (eldest !== undefined) room.until.delete(eldest);
    if (now - room.prunedAt > pruneEveryMs) prune(room, now);
  }

  override async among(saleId: string, ticketHashes: readonly string[]): Promise<ReadonlySet<string>> {
    const now = this.clock.monotonic();
    const until = this.rooms.get(saleId)?.until;
    return new Set(until ? ticketHashes.filter((hash) => (until.get(hash) ?? 0) > now) : []);
  }

  override async count(saleId: string): Promise<number> {
    const room = this.rooms.get(saleId);
    if (!room) return 0;
    prune(room, this.clock.monotonic());
    return room.until.size;
  }

  override async flush(): Promise<void> {}
}

function prune(room: Room, now: number): void {
  for (const [hash, until] of room.until) if (until <= now) room.until.delete(hash);
  room.prunedAt = now;
}
