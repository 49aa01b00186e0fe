import type { PinoLogger } from 'nestjs-pino';
import { ulid } from 'ulid';
import { PaymentsAuditWorker } from '../../../src/features/payments/payments.audit.worker';
import { PaymentsAuditor } from '../../../src/features/payments/payments.auditor';
import { PaymentsBook } from '../../../src/features/payments/payments.book';
import type { PaymentNews } from '../../../src/features/payments/payments.events';
import { PaymentsGateway } from '../../../src/features/payments/payments.gateway';
import { PaymentsMetrics, paymentsMetrics } from '../../../src/features/payments/payments.metrics';
import { paymentsFeature } from '../../../src/features/payments/payments.module';
import { PaymentsOperationsRepository } from '../../../src/features/payments/payments.operations.repository';
import { PaymentsOutbox } from '../../../src/features/payments/payments.outbox';
import type { PaymentProvider } from '../../../src/features/payments/payments.provider';
import { PaymentsRepository } from '../../../src/features/payments/payments.repository';
import { PaymentsRunner } from '../../../src/features/payments/payments.runner';
import { PaymentsService } from '../../../src/features/payments/payments.service';
import { PaymentsSettings } from '../../../src/features/payments/payments.settings';
import { PaymentsSettlement } from '../../../src/features/payments/payments.settlement';
import { SimulatorProvider } from '../../../src/features/payments/payments.simulator';
import { SimulatorRepository } from '../../../src/features/payments/payments.simulator.repository';
import type { ReservationsApi } from '../../../src/features/reservations/reservations.api';
import type { ReservationNews } from '../../../src/features/reservations/reservations.events';
import type { ReceiveWebhookRequest } from '../../../src/generated/aerie/payments/v1/payments';
import type { Reservation } from '../../../src/generated/aerie/reservations/v1/reservations';
import { asInternal } from '../../../src/shared/auth/caller';
import { Audiences } from '../../../src/shared/bus/audiences';
import type { Bus } from '../../../src/shared/bus/bus';
import type { Clock } from '../../../src/shared/clock/clock';
import { loadConfig } from '../../../src/shared/config/load-config';
import { PageTokens } from '../../../src/shared/contract/page-token';
import type { Database } from '../../../src/shared/db/database';
import { Databases } from '../../../src/shared/db/databases';
import type { CheckResult, Readiness } from '../../../src/shared/health/readiness';
import { Idempotency } from '../../../src/shared/idempotency/idempotency';
import { Metrics } from '../../../src/shared/metrics/metrics';
import { ListenerParts } from '../../../src/shared/outbox/news-listener';
import { OutboxParts } from '../../../src/shared/outbox/outbox';
import type { OutboxMetrics } from '../../../src/shared/outbox/outbox.metrics';
import { runInContext } from '../../../src/shared/tracing/request-context';
import { SilentTracing } from '../../../src/shared/tracing/tracing';
import { HandClock } from '../../support/hand-clock';
import { testJobs } from '../../support/jobs';
import { metricsOf } from '../../support/metrics';
import { recordingLogger } from '../../support/recording-logger';
import { FakeReservations } from './fake-reservations';

// Payments without a process: all of it on a real database, and its worker's steps taken one by one.

export interface DeskOptions {
  readonly clock?: HandClock;
  readonly reservations?: FakeReservations;
  /** In the place of those reservations. */
  readonly api?: ReservationsApi;
  /** In the place of the simulator, which it is given. */
  readonly provider?: (simulator: SimulatorProvider) => PaymentProvider;
}

export type Desk = Awaited<ReturnType<typeof openDesk>>;

/** One process of payments at this database; others may be at the same. */
export async function openDesk(url: string, options: DeskOptions = {}) {
  const { clock = new HandClock(), reservations = new FakeReservations(clock) } = options;
  const { api = reservations.api } = options;
  const databases = await openDatabases(url);
  const db = databases.of('payments');
  const config = loadConfig({}, []);
  const { logger, lines } = recordingLogger();
  const outbox = new PaymentsOutbox(silentParts(clock, logger), databases);
  const repository = new PaymentsRepository(databases, outbox, new Idempotency(config, clock), clock);
  const operations = new PaymentsOperationsRepository(databases);
  const settings = PaymentsSettings.read({}) as PaymentsSettings;
  const books = new SimulatorRepository(databases);
  const simulator = new SimulatorProvider(books, settings, clock);
  const provider = options.provider?.(simulator) ?? simulator;
  const counted = new Metrics();
  const metrics = metricsOf(PaymentsMetrics, paymentsMetrics, counted);
  const book = new PaymentsBook(repository, provider, metrics, logger);
  const settlement = new PaymentsSettlement(book, operations, provider, clock, logger);
  const checks: (() => Promise<CheckResult>)[] = [];
  const readiness = { add: (_name: string, check: () => Promise<CheckResult>) => checks.push(check) };
  const gateway = new PaymentsGateway(provider, clock, metrics, readiness as unknown as Readiness);
  const runner = new PaymentsRunner(operations, gateway, settlement, clock, logger);
  const auditor = new PaymentsAuditor(operations, api, clock);
  const service = new PaymentsService(
    ...([repository, book, settlement, auditor, api, clock, new PageTokens(config)] as const),
  );
  return {
    ...{ url, clock, reservations, databases, db, operations, simulator, books, settlement, gateway, runner, service },
    ...{ lines, checks },
    /** What was announced of a payment, in order. */
    announced: (paymentId: string) => announcedIn(db, paymentId),
    /** Gives out everything that the simulator has to send by now. */
    deliver: () => deliver(books, simulator, service, clock),
    /** Reservations announces, and the news is applied as the inbox does it. */
    hear: (...news: readonly ReservationNews[]) => db.transaction((tx) => settlement.heard(tx, news)),
    /** Audits the open sales as the process does by itself; answers what /metrics tells of it. */
    auditAll: () => auditAll(counted, new PaymentsAuditWorker(testJobs().jobs, api, auditor, metrics)),
    /** All that the worker does in a round. */
    async round(): Promise<void> {
      await settlement.draw();
      await runner.round();
    },
    status: async (id: string) => (await asInternal(() => service.getPayment({ id }))).status,
    metric: async (name: string, label: string) =>
      ((await counted.registry.getSingleMetric(name)?.get())?.values ?? []).find(({ labels }) =>
        Object.values(labels).includes(label),
      )?.value,
    [Symbol.asyncDispose]: () => databases.closeAll(),
  };
}

async function auditAll({ registry }: Metrics, worker: PaymentsAuditWorker): Promise<number | undefined> {
  await worker.audit();
  return (await registry.getSingleMetric('payments_audit_violations')?.get())?.values[0]?.value;
}

async function openDatabases(url: string): Promise<Databases> {
  const databases = new Databases({ poolMin: 1, poolMax: 8, connectTimeoutMs: 5000, queryTimeoutMs: 10_000 });
  databases.register('payments', url, paymentsFeature.entities ?? [], paymentsFeature.migrations);
  await databases.connectAll();
  await databases.migrateAll();
  return databases;
}

/** A payment of a reservation of its own. */
export async function pay(
  desk: Desk,
  more: Partial<Reservation> = {},
): Promise<{ id: string; reservation: Reservation }> {
  const reservation = desk.reservations.hold(more);
  const request = { reservationId: reservation.id };
  const { id } = await asInternal(() => desk.service.createPayment(request, { idempotencyKey: ulid() }));
  return { id, reservation };
}

export function process(desk: Desk, id: string, method = 'approve', key = ulid()) {
  return asInternal(() => desk.service.processPayment({ id, method }, { idempotencyKey: key }));
}

/** A payment that is authorized. */
export async function authorize(desk: Desk, method = 'approve', more: Partial<Reservation> = {}) {
  const paid = await pay(desk, more);
  await process(desk, paid.id, method);
  await desk.runner.round();
  return paid;
}

/** A payment whose money is taken. */
export async function complete(desk: Desk, more: Partial<Reservation> = {}) {
  const paid = await authorize(desk, 'approve', more);
  await desk.hear(desk.reservations.end(paid.reservation.id, 'confirmed', paid.id));
  await desk.round();
  return paid;
}

export function asPlayer<T>(id: string, work: () => Promise<T>): Promise<T> {
  return runInContext({ traceId: 'test', caller: { kind: 'player', id } }, work);
}

/** What the simulated provider knows of a payment's charges. */
export function chargesOf({ db }: Pick<Desk, 'db'>, paymentId: string) {
  const text = 'SELECT state, captured, refunded FROM payments_simulator_charges WHERE payment_id = ?';
  return db.read((sql) => sql.rows<{ state: string; captured: number; refunded: number }>(text, [paymentId]));
}

async function announcedIn(db: Database, paymentId: string): Promise<PaymentNews['status'][]> {
  const text = 'SELECT body FROM payments_outbox WHERE message_key = ? ORDER BY seq';
  const rows = await db.read((sql) => sql.rows<{ body: string }>(text, [paymentId]));
  return rows.map(({ body }) => (JSON.parse(body) as PaymentNews).status);
}

/** A webhook as the wire reads it. */
export function webhook(headers: Record<string, string>, body: string): ReceiveWebhookRequest {
  return {
    provider: 'simulator',
    id: headers['webhook-id'] ?? '',
    timestamp: Number(headers['webhook-timestamp']),
    keyId: '',
    signatures: (headers['webhook-signature'] ?? '').split(' '),
    body: Buffer.from(body),
  };
}

async function deliver(
  books: SimulatorRepository,
  simulator: SimulatorProvider,
  service: PaymentsService,
  clock: HandClock,
): Promise<number> {
  const all = await books.deliveries(clock.steady(), 100, () => 60_000);
  for (const delivery of all) {
    await service.receiveWebhook(webhook(simulator.sign(delivery.eventId, delivery.body), delivery.body));
    await books.delivered(delivery);
  }
  return all.length;
}

/** Of an outbox that sends nothing. */
function silentParts(clock: Clock, logger: PinoLogger): OutboxParts {
  const silentBus = { publish: () => undefined, subscribe: () => undefined } as unknown as Bus;
  const audiences = new Audiences(new Map([['payments', ['reservations']]]));
  const watch = { watch: () => undefined } as unknown as OutboxMetrics;
  const listening = new ListenerParts(silentBus, clock, logger, new SilentTracing());
  return new OutboxParts(silentBus, audiences, testJobs().jobs, clock, watch, listening);
}
