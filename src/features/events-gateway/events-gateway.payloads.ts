import { z } from 'zod';
import { instant } from '../../shared/clock/time';
import { idempotencyKey, itemId, playerId, time, wholeNumber } from '../../shared/contract/schemas';

// The bodies that arrive signed: JSON documents, not messages of a wire.

export const maxPoints = 1_000_000;
export const dropPoints = 100;

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

/** What the journal keeps of an event's body. */
export interface EventFields {
  readonly type: EventBody['type'];
  readonly playerId: string;
  /** Milliseconds since 1970. */
  readonly occurredAt: number;
  /** Canonical JSON: known properties only, in the schema's order. */
  readonly payload: string;
  /** The value of the event: deltaXp, points, or weight x 100. */
  readonly points: number;
  readonly bossId?: string;
  readonly dropId?: string;
}

/** The fields of a body that the schema has accepted: zod gives the properties in its own order, whatever order they came in. */
export function fieldsOf({ type, playerId, occurredAt, payload: given }: EventBody): EventFields {
  const payload = JSON.stringify(given);
  const common = { type, playerId, occurredAt: instant(occurredAt) ?? Number.NaN, payload };
  if ('deltaXp' in given) return { ...common, points: given.deltaXp };
  if ('bossId' in given) return { ...common, points: given.points, bossId: given.bossId };
  return { ...common, points: given.weight * dropPoints, dropId: given.dropId };
}
