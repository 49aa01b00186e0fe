import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { paymentsContract as payments } from '../../src/features/payments/payments.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { reservationsContract as reservations } from '../../src/features/reservations/reservations.api';
import { usersContract as users } from '../../src/features/users/users.api';
import type { AnyContract } from '../../src/shared/contract/contract';
import { GrpcClient, TcpClient, WsClient } from '../features/chat/clients';
import type { AppProcess } from './app';
import { randomEvent } from './events';
import { eventually } from './eventually';
import { signed } from './signed';
import { GrpcWire, HttpWire, type Outcome } from './wires';

// Something of everything: events good and bad, boards and rewards read, users on both wires, a conversation, a sale.

const floodSize = 200;

/** Goes on, round after round, until it is disposed of; what fails in a round is its business, since faults are made. */
export class WholeLoad implements AsyncDisposable {
  private stopped = false;
  private readonly http: HttpWire;
  private readonly grpc: GrpcWire;
  private readonly running: Promise<void>;
  rounds = 0;
  /** Of the last round, where it failed. */
  failure: unknown;

  constructor(private readonly app: AppProcess) {
    this.http = new HttpWire(app.url);
    this.grpc = new GrpcWire(app.grpcUrl.replace('grpc://', ''));
    this.running = this.goOn();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped = true;
    await this.running;
    this.grpc.close();
  }

  private async goOn(): Promise<void> {
    while (!this.stopped) {
      try {
        await this.round();
        this.rounds += 1;
        this.failure = undefined;
      } catch (error) {
        this.failure = error;
      }
      await sleep(100);
    }
  }

  private async round(): Promise<void> {
    await this.events();
    await this.readers();
    await this.conversation();
    await this.sale();
  }

  /** @throws unless the answer has this code */
  private async call(contract: AnyContract, method: string, message: object, code = 'ok'): Promise<Outcome> {
    const outcome = await this.http.call(contract, method, message, keyOf(contract));
    if (outcome.code !== code) throw new Error(`${method}: ${outcome.code} ${String(outcome.body.message)}`);
    return outcome;
  }

  private async events(): Promise<void> {
    for (let i = 0; i < 5; i += 1) {
      const { id, ...body } = randomEvent();
      await this.call(gateway, 'ingest', signed(id, body));
      await this.grpc.call(gateway, 'ingest', signed(id, body));
    }
    const player = randomUUID();
    const flood = Array.from({ length: floodSize }, () => ({ ...randomEvent(), playerId: player }));
    await this.call(gateway, 'ingestBatch', signed(randomUUID(), { events: flood }));
    await this.call(
      gateway,
      'ingest',
      signed(randomUUID(), randomEvent(), { secret: 'not-the-secret' }),
      'signature_invalid',
    );
  }

  private async readers(): Promise<void> {
    await this.call(leaderboard, 'getLeaderboard', { window: 'daily' });
    for (const playerId of Array.from({ length: 10 }, (_, i) => `player-${i}`)) {
      await this.call(progression, 'getProgress', { playerId });
      const { body } = await this.call(progression, 'listRewards', { playerId });
      const [first] = ((body.rewards ?? []) as { rewardId: string; status: string }[]).filter(
        ({ status }) => status === 'available',
      );
      if (first) await this.call(progression, 'claimReward', { playerId, rewardId: first.rewardId });
    }
    const name = `u${randomUUID().slice(0, 8)}`;
    const { body } = await this.grpc.call(users, 'createUser', { name, email: `${name}@example.com` });
    await this.call(users, 'getUser', { id: String(body.id) });
    await this.call(users, 'updateUser', { id: String(body.id), name: `${name}-2` });
  }

  private async conversation(): Promise<void> {
    const { app } = this;
    const leaving = new TcpClient(app.chatPort as number);
    const clients = [leaving, new WsClient(app.url), new GrpcClient(this.grpcAddress)];
    try {
      for (const client of clients) await client.enter(`c${randomUUID().slice(0, 8)}`);
      for (const client of clients) client.say('hello');
      for (const client of clients)
        await eventually(async () => expect(client.said().length).toBeGreaterThanOrEqual(3));
      leaving.send('/exit\n');
      await leaving.ended;
    } finally {
      for (const client of clients) client.close();
    }
  }

  private get grpcAddress(): string {
    return this.app.grpcUrl.replace('grpc://', '');
  }

  private async sale(): Promise<void> {
    const saleId = `sale-${randomUUID().slice(0, 8)}`;
    const sections = [{ sectionId: 'floor', price: 100, capacity: 1 }];
    const about = { title: 'Shown', currency: 'EUR', opensAt: '2026-01-01T00:00:00Z' };
    await this.call(reservations, 'createSale', { saleId, ...about, sections });
    const items = [{ sectionId: 'floor', quantity: 1, seatIds: [] }];
    const { body } = await this.call(reservations, 'createReservation', { saleId, items });
    await this.call(reservations, 'createReservation', { saleId, items }, 'sold_out');
    const payment = await this.call(payments, 'createPayment', { reservationId: String(body.id) });
    await this.call(payments, 'processPayment', { id: String(payment.body.id), method: 'approve' });
  }
}

/** Of an event the key is its id, which is signed. */
function keyOf(contract: AnyContract): Record<string, string> {
  return contract === gateway ? {} : { 'idempotency-key': ulid() };
}
