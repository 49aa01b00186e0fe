import { ulid } from 'ulid';
import { features } from '../../../src/features';
import { QueueCaller } from '../../../src/features/queue/queue.caller';
import { queueInbox, queueTicketsTable, roomsTable } from '../../../src/features/queue/queue.entity';
import { MemoryPresence } from '../../../src/features/queue/queue.memory-presence';
import { QueueMetrics, queueMetrics } from '../../../src/features/queue/queue.metrics';
import { queueMigrations } from '../../../src/features/queue/queue.migrations';
import type { QueuePresence } from '../../../src/features/queue/queue.presence';
import { QueueRepository } from '../../../src/features/queue/queue.repository';
import { QueueRooms } from '../../../src/features/queue/queue.rooms';
import { QueueRounds } from '../../../src/features/queue/queue.rounds.repository';
import { QueueService } from '../../../src/features/queue/queue.service';
import { QueueStatuses } from '../../../src/features/queue/queue.statuses';
import { QueueTickets } from '../../../src/features/queue/queue.tickets';
import type { ReservationsApi } from '../../../src/features/reservations/reservations.api';
import type { Admission, QueueStatus, QueueTicket } from '../../../src/generated/aerie/queue/v1/queue';
import { Grants } from '../../../src/shared/auth/grants';
import { loadConfig } from '../../../src/shared/config/load-config';
import { PageTokens } from '../../../src/shared/contract/page-token';
import type { Database } from '../../../src/shared/db/database';
import type { Databases } from '../../../src/shared/db/databases';
import { AppError } from '../../../src/shared/errors/app-error';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { runInContext } from '../../../src/shared/tracing/request-context';
import { openAt } from '../../shared/db/fixtures';
import type { TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { metricsOf } from '../../support/metrics';
import { StillTime } from '../../support/still-time';
import { FakeSales, type Rules } from './sales';

// A waiting room without its doors and without anything that runs by itself: time passes, and rounds come, when the test says so.

/** Status by ticket. */
export type Statuses = Map<string, QueueStatus>;

/** One process of the waiting room. */
export class Hall {
  readonly repository: QueueRepository;
  readonly rooms: QueueRooms;
  readonly caller: QueueCaller;
  readonly rounds: QueueRounds;
  readonly statuses: QueueStatuses;
  readonly service: QueueService;
  readonly grants: Grants;
  readonly metrics = new Metrics();

  constructor(
    readonly db: Database,
    sales: { readonly api: ReservationsApi },
    readonly clock: HandClock,
    readonly presence: QueuePresence = new MemoryPresence(clock),
  ) {
    const databases = { of: () => db } as unknown as Databases;
    const config = loadConfig({}, features);
    const time = new StillTime(clock, () => clock.now());
    const metrics = metricsOf(QueueMetrics, queueMetrics, this.metrics);
    this.grants = new Grants(config);
    this.repository = new QueueRepository(databases, time);
    this.rooms = new QueueRooms(sales.api, this.repository, clock);
    this.rounds = new QueueRounds(databases, time);
    this.caller = new QueueCaller(this.rooms, this.repository, this.rounds, presence, sales.api, metrics);
    this.statuses = new QueueStatuses(this.rooms, this.caller, presence);
    const tokens = new PageTokens(config);
    const tickets = new QueueTickets(config, this.grants);
    this.service = new QueueService(this.repository, this.rooms, this.statuses, tickets, this.caller, metrics, tokens);
  }

  as<T>(user: string | undefined, call: () => Promise<T>): Promise<T> {
    const caller = user === undefined ? ({ kind: 'internal' } as const) : ({ kind: 'player', id: user } as const);
    return runInContext({ traceId: 'test', caller }, call);
  }

  join(saleId: string, user: string): Promise<QueueTicket> {
    return this.as(user, () => this.service.joinQueue({ saleId }));
  }

  status(ticket: string): Promise<QueueStatus> {
    return this.service.getQueueStatus({ ticket });
  }

  enter(user: string, ticket: string): Promise<Admission> {
    return this.as(user, () => this.service.requestAdmission({ ticket }));
  }

  /** What the worker does at once, for one room. */
  async round(saleId: string): Promise<void> {
    await this.caller.freePlaces();
    await this.caller.round(saleId);
  }

  /** Reservations announces the ends of the holds of these grants. */
  async tell(...ends: readonly { grant: string; saleId: string; bought: boolean }[]): Promise<void> {
    const told = ends.map((end) => ({ ...end, quantity: end.bought ? 1 : 0 }));
    await this.db.transaction((tx) => this.service.holdsEnded(tx, told));
  }

  /** The jti of a grant. */
  async jtiOf(grant: string): Promise<string> {
    const verdict = await this.grants.verify(grant);
    if (!verdict.valid) throw new Error(verdict.reason);
    return verdict.claims.jti;
  }
}

export interface World extends AsyncDisposable {
  readonly clock: HandClock;
  readonly sales: FakeSales;
  /** Another process on the same database. */
  open(presence?: QueuePresence): Promise<Hall>;
}

export async function openWorld(place: TestDatabase): Promise<World> {
  const clock = new HandClock();
  const sales = new FakeSales();
  const opened: Database[] = [];
  const connect = async (): Promise<Database> => {
    // On SQLite one process has the file.
    const [first] = opened;
    if (first && place.url.startsWith('sqlite')) return first;
    const tables = [roomsTable, queueTicketsTable, queueInbox] as never;
    const db = await openAt(place.url, { migrations: queueMigrations, tables });
    opened.push(db);
    return db;
  };
  return {
    clock,
    sales,
    open: async (presence) => new Hall(await connect(), sales, clock, presence),
    [Symbol.asyncDispose]: async () => {
      for (const db of opened) await db.close();
    },
  };
}

export function newSale(world: World, rules: Partial<Rules> = {}): string {
  const saleId = `sale-${ulid().toLowerCase()}`;
  world.sales.add(saleId, rules);
  return saleId;
}

/** Time passes in steps that are short enough for the room to be looked after, with a round of each process at every step. */
export async function pass(
  world: World,
  halls: readonly Hall[],
  saleId: string,
  ms: number,
  each: () => Promise<unknown> = async () => undefined,
): Promise<void> {
  for (let left = ms; left > 0; left -= 2000) {
    world.clock.at += Math.min(2000, left);
    await each();
    for (const hall of halls) await hall.round(saleId);
  }
}

/** The code of what is thrown; `ok` when nothing is. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}
