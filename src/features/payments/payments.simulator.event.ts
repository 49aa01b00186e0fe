import { z } from 'zod';

/** What the simulated provider sends, and tells of an order: its kind, and what became of it. */
export const simulatorEvent = z
  .strictObject({
    id: z.string('must be a string').min(1, 'must not be empty').max(64, 'must have at most 64 characters'),
    type: z.string('must be a string').min(1, 'must not be empty'),
    data: z
      .strictObject({
        kind: z.enum(['authorize', 'capture', 'void', 'refund'], 'must be authorize, capture, void or refund'),
        state: z.enum(['pending', 'done', 'refused'], 'must be pending, done or refused'),
        paymentId: z.string('must be a string').min(1, 'must not be empty'),
        chargeId: z.string('must be a string').min(1, 'must not be empty'),
        key: z.string('must be a string').min(1, 'must not be empty'),
        refundId: z.string('must be a string').min(1, 'must not be empty').exactOptional(),
        reason: z.string('must be a string').min(1, 'must not be empty').exactOptional(),
      })
      .meta({ id: 'SimulatorEventData' }),
  })
  .meta({ id: 'SimulatorEvent' });
