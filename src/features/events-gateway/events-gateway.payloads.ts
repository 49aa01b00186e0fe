import { z } from 'zod';
import { idempotencyKey, itemId, playerId, time, wholeNumber } from '../../shared/contract/schemas';

// The bodies that arrive signed: JSON documents, not messages of a wire.

const maxPoints = 1_000_000;
const dropPoints = 100;

// The ids are what OpenAPI calls them.
const progression = z
  .strictObject({ deltaXp: wholeNumber(1, maxPoints), activity: itemId.optional() })
  .meta({ id: 'ProgressionPayload' });
const bossKill = z
  .strictObject({ bossId: itemId, tier: wholeNumber(1, 10), points: wholeNumber(1, maxPoints) })
  .meta({ id: 'BossKillPayload' });
const dropClaimed = z
  .strictObject({ dropId: itemId, weight: wholeNumber(1, 100), source: itemId.optional() })
  .meta({ id: 'DropClaimedPayload' });

const common = { playerId, occurredAt: time };
const unknownType = 'must be progression, boss_kill or drop_claimed';

function byType<Extra extends z.ZodRawShape>(extra: Extra, name: string) {
  const of = (kind: string) => ({ id: `${kind}${name}` });
  return z
    .discriminatedUnion(
      'type',
      [
        z
          .strictObject({ ...extra, type: z.literal('progression'), ...common, payload: progression })
          .meta(of('Progression')),
        z.strictObject({ ...extra, type: z.literal('boss_kill'), ...common, payload: bossKill }).meta(of('BossKill')),
        z
          .strictObject({ ...extra, type: z.literal('drop_claimed'), ...common, payload: dropClaimed })
          .meta(of('DropClaimed')),
      ],
      unknownType,
    )
    .meta(of('Game'));
}

/** The body of `POST /events`. */
export const eventBody = byType({}, 'Event');
export type EventBody = z.output<typeof eventBody>;

/** One item of `POST /events/batch`. */
export const batchItem = byType({ id: idempotencyKey }, 'BatchEvent');

/** The envelope of `POST /events/batch`: its items are checked one by one, so that one fails alone. */
export const batchBody = z.strictObject({
  events: z
    .array(z.unknown(), 'must be an array')
    .min(1, 'must have at least 1 event')
    .max(500, 'must have at most 500 events'),
});

/** For the OpenAPI document only. */
export const batchDocument = z.strictObject({ events: z.array(batchItem).min(1).max(500) }).meta({ id: 'EventBatch' });

/** The points of an event: deltaXp, points, or weight x 100. */
export function pointsOf(event: EventBody): number {
  if (event.type === 'progression') return event.payload.deltaXp;
  return event.type === 'boss_kill' ? event.payload.points : event.payload.weight * dropPoints;
}

/** The payload in one spelling: zod gives the properties in the schema's order, whatever order they came in. */
export function canonicalPayload(event: EventBody): string {
  return JSON.stringify(event.payload);
}
