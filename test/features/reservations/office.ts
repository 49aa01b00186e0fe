import { ulid } from 'ulid';
import { features } from '../../../src/features';
import type { PaymentNews } from '../../../src/features/payments/payments.events';
import { AuditRepository } from '../../../src/features/reservations/reservations.audit.repository';
import { ReservationsAuditWorker } from '../../../src/features/reservations/reservations.audit.worker';
import { reservationNews } from '../../../src/features/reservations/reservations.events';
import { Holds } from '../../../src/features/reservations/reservations.holds';
import { ReservationsMetrics, reservationsMetrics } from '../../../src/features/reservations/reservations.metrics';
import { reservationsFeature } from '../../../src/features/reservations/reservations.module';
import { ReservationsOutbox } from '../../../src/features/reservations/reservations.outbox';
import { ReservationsRepository } from '../../../src/features/reservations/reservations.repository';
import { SalesRepository } from '../../../src/features/reservations/reservations.sales.repository';
import { SalesService } from '../../../src/features/reservations/reservations.sales.service';
import { ReservationsService } from '../../../src/features/reservations/reservations.service';
import { Tickets } from '../../../src/features/reservations/reservations.tickets';
import type {
  CreateSaleRequest,
  Reservation,
  SaleAudit,
} from '../../../src/generated/aerie/reservations/v1/reservations';
import { type Grant, Grants } from '../../../src/shared/auth/grants';
import { Audiences } from '../../../src/shared/bus/audiences';
import { loadConfig } from '../../../src/shared/config/load-config';
import { PageTokens } from '../../../src/shared/contract/page-token';
import type { Database } from '../../../src/shared/db/database';
import type { Databases } from '../../../src/shared/db/databases';
import { HeavyReads } from '../../../src/shared/db/heavy-reads';
import { AppError } from '../../../src/shared/errors/app-error';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { ListenerParts } from '../../../src/shared/outbox/news-listener';
import { OutboxParts } from '../../../src/shared/outbox/outbox';
import type { OutboxMetrics } from '../../../src/shared/outbox/outbox.metrics';
import { runInContext } from '../../../src/shared/tracing/request-context';
import { SilentTracing } from '../../../src/shared/tracing/tracing';
import { openAt } from '../../shared/db/fixtures';
import { inmemBus, ShiftedClock } from '../../shared/outbox/outboxes';
import type { TestDatabase } from '../../support/databases';
import type { HandClock } from '../../support/hand-clock';
import { testJobs } from '../../support/jobs';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { StillTime } from '../../support/still-time';

// Reservations without its doors and without anything that runs by itself: time passes when the test says so, and what is
// announced stays in the outbox to be looked at.

const began = Date.now();

export interface Office extends AsyncDisposable {
  readonly service: ReservationsService;
  readonly repository: ReservationsRepository;
  readonly db: Database;
  readonly clock: ShiftedClock;
  readonly grants: Grants;
  /** Calls as this user; an operator where it is undefined. */
  as<T>(user: string | undefined, call: () => Promise<T>): Promise<T>;
  /** What payments announces. */
  tell(news: Omit<PaymentNews, 'at' | 'userId' | 'currency'> & { readonly currency?: string }): Promise<void>;
  /** Status and reservation of all that was announced, in order. */
  announced(): Promise<(readonly [string, string])[]>;
  audit(saleId: string): Promise<SaleAudit>;
  /** Audits the open sales as the process does by itself; answers what /metrics tells of it. */
  auditAll(): Promise<number | undefined>;
}

/** `hand`: the clock that others of the story have, too. */
export async function openOffice(place: TestDatabase, hand?: HandClock): Promise<Office> {
  const { migrations, entities } = reservationsFeature;
  const db = await openAt(place.url, { migrations, tables: entities as never });
  const databases = { of: () => db } as unknown as Databases;
  const config = loadConfig({}, features);
  const shifted = new ShiftedClock();
  const clock = hand ?? shifted;
  const { logger } = recordingLogger();
  const counted = new Metrics();
  const metrics = metricsOf(ReservationsMetrics, reservationsMetrics, counted);
  const audiences = new Audiences(new Map([[reservationNews.topic.name, hand ? ['payments', 'queue'] : ['payments']]]));
  const outboxMetrics = { watch: () => undefined } as unknown as OutboxMetrics;
  const listening = new ListenerParts(inmemBus(), clock, logger, new SilentTracing());
  const parts = new OutboxParts(inmemBus(), audiences, testJobs().jobs, clock, outboxMetrics, listening);
  const outbox = new ReservationsOutbox(parts, databases);
  // Nothing is sent: the test looks at what would be.
  outbox.beforeApplicationShutdown();
  const time = new StillTime(clock, () => hand?.now() ?? began + shifted.ahead);
  const repository = new ReservationsRepository(databases, new Idempotency(config, clock), time, outbox);
  const tokens = new PageTokens(config);
  const audits = new AuditRepository(databases, new HeavyReads(config, new Metrics()));
  const salesRows = new SalesRepository(databases, time);
  const sales = new SalesService(salesRows, repository, audits, clock, logger, tokens);
  const grants = new Grants(config);
  const holds = new Holds(repository, grants, metrics);
  const service = new ReservationsService(sales, holds, repository, new Tickets(config), metrics, clock, tokens);
  return {
    ...{ service, repository, db, clock: shifted, grants },
    as: (user, call) => runInContext({ traceId: 'test', caller: callerOf(user) }, call),
    tell: (news) => db.transaction((tx) => service.paymentTold(tx, { currency: 'EUR', ...news, at: Date.now() })),
    announced: async () => {
      const rows = await db.read((sql) =>
        sql.rows<{ body: string }>('SELECT body FROM reservations_outbox ORDER BY seq'),
      );
      return rows.map(({ body }) => {
        const { status, reservationId } = JSON.parse(body) as { status: string; reservationId: string };
        return [status, reservationId] as const;
      });
    },
    audit: (saleId) => service.auditSale({ saleId }),
    auditAll: async () => {
      await new ReservationsAuditWorker(testJobs().jobs, salesRows, sales, metrics).audit();
      return (await counted.registry.getSingleMetric('reservations_audit_violations')?.get())?.values[0]?.value;
    },
    [Symbol.asyncDispose]: () => db.close(),
  };
}

function callerOf(user: string | undefined) {
  return user === undefined ? ({ kind: 'internal' } as const) : ({ kind: 'player', id: user } as const);
}

/** Four seats, ten on the floor, three for nothing. */
export function saleNamed(saleId: string, more: Partial<CreateSaleRequest> = {}): CreateSaleRequest {
  return {
    ...{ saleId, title: 'A sale', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z' },
    sections: [
      { sectionId: 'seats', price: 500, seats: ['A1', 'A2', 'A3', 'A4'] },
      { sectionId: 'floor', price: 100, capacity: 10, seats: [] },
      { sectionId: 'free', price: 0, capacity: 3, seats: [] },
    ],
    ...more,
  };
}

export async function newSale(office: Office, more: Partial<CreateSaleRequest> = {}): Promise<string> {
  const saleId = `sale-${ulid().toLowerCase()}`;
  await office.as(undefined, () => office.service.createSale(saleNamed(saleId, more)));
  return saleId;
}

/** So many of the floor, or these seats. */
export function hold(
  office: Office,
  user: string,
  saleId: string,
  wanted: number | readonly string[],
  { key = ulid(), section, grant }: { key?: string; section?: string; grant?: string } = {},
): Promise<Reservation> {
  const item =
    typeof wanted === 'number'
      ? { sectionId: section ?? 'floor', quantity: wanted, seatIds: [] }
      : { sectionId: section ?? 'seats', seatIds: [...wanted] };
  const request = { saleId, items: [item], ...(grant !== undefined && { grant }) };
  return office.as(user, () => office.service.createReservation(request, { idempotencyKey: key }));
}

export function confirm(office: Office, user: string, id: string, key = ulid()): Promise<Reservation> {
  return office.as(user, () => office.service.confirmReservation({ id }, { idempotencyKey: key }));
}

export function cancel(office: Office, user: string, id: string, key = ulid()): Promise<Reservation> {
  return office.as(user, () => office.service.cancelReservation({ id }, { idempotencyKey: key }));
}

/** The payment of a reservation is authorized. */
export async function pay(office: Office, { id, amount }: Reservation, paymentId = ulid()): Promise<string> {
  await office.tell({ paymentId, reservationId: id, status: 'authorized', amount });
  return paymentId;
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

export async function grantFor(
  office: Office,
  saleId: string,
  user: string,
  more: Partial<Grant> = {},
): Promise<string> {
  const now = Math.floor(office.clock.now() / 1000);
  const grant = { jti: ulid(), sub: user, saleId, ticket: 'hash', iat: now, exp: now + 30 };
  return office.grants.sign({ ...grant, ...more });
}
