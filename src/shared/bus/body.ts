import { z } from 'zod';

// The words in which a topic says what its bodies look like.

/** Fields that are not named are left out: a later version may have more. */
export function body<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape);
}

/** One of these words. */
export function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words);
}

export const whole = z.int().nonnegative();

export const text = z.string().max(255);

/** A reason for people. */
export const reason = z.string().max(1000);

export const absentOrText = text.exactOptional();
