import { z } from 'zod';

// It is stored, and databases differ in what they take for text.
const word = z.string('must be a string').regex(/^[ -~]{1,200}$/, 'must be 1 to 200 printable ASCII characters');

/** What the simulated provider sends, and tells of an order: its kind, and what became of it. */
export const simulatorEvent = z
  .strictObject({
    id: word,
    type: word,
    data: z
      .strictObject({
        kind: z.enum(['authorize', 'capture', 'void', 'refund'], 'must be authorize, capture, void or refund'),
        state: z.enum(['pending', 'done', 'refused'], 'must be pending, done or refused'),
        paymentId: word,
        chargeId: word,
        key: word,
        refundId: word.exactOptional(),
        reason: word.exactOptional(),
      })
      .meta({ id: 'SimulatorEventData' }),
  })
  .meta({ id: 'SimulatorEvent' });
