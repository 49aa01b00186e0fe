import { randomUUID } from 'node:crypto';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import type { AnyContract } from '../../../src/shared/contract/contract';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import type { Outcome, TestApp } from '../../support/wires';
import { operator } from './operators';

// What operators look at: players who play, one who cheats, an event that was given up, a sale.

/** A call as an operator makes it. */
export async function ask(app: TestApp, contract: AnyContract, method: string, message: object): Promise<Outcome> {
  return await app.http.call(contract, method, message, { ...operator, 'idempotency-key': randomUUID() });
}

/** Sends an event; answers its id. */
export async function play(app: TestApp, playerId: string, deltaXp = 100): Promise<string> {
  const id = `evt-${randomUUID()}`;
  await app.http.call(gateway, 'ingest', signed(id, eventBody({ playerId, payload: { deltaXp } })));
  return id;
}

/** An event worth more than it may be: refused, flagged, and its player blocked. */
export async function cheat(app: TestApp, playerId: string): Promise<void> {
  await play(app, playerId, 250_000);
  await eventually(async () => {
    const { body } = await ask(app, fairness, 'listFlags', { playerId });
    expect(body.flags).toHaveLength(1);
  });
}

/** Gives an event up, as a consumer does. */
export async function giveUp(app: TestApp, eventId: string, reason: string): Promise<void> {
  const { code } = await ask(app, gateway, 'parkEvent', { eventId, consumer: 'progression', reason });
  expect(code).toBe('ok');
}

export async function openSale(app: TestApp, saleId: string, more: object = {}): Promise<void> {
  const sale = {
    ...{ saleId, title: 'Grand final', currency: 'EUR', opensAt: '2020-01-01T00:00:00Z', queue: { activePlaces: 5 } },
    sections: [
      { sectionId: 'floor', price: 4900, capacity: 10 },
      { sectionId: 'box', price: 9900, seats: ['A1', 'A2', 'A3'] },
    ],
    ...more,
  };
  const { code, body } = await ask(app, reservations, 'createSale', sale);
  if (code !== 'ok') throw new Error(`${code}: ${String(body.message)}`);
}
