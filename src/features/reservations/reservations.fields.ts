import { z } from 'zod';

// The ids of sales and seats, for messages and for page tokens.

export const saleId = z
  .string('must be a string')
  .regex(/^[a-z0-9-]{3,64}$/, 'must be 3-64 of a-z 0-9 -')
  .meta({ minLength: 3, maxLength: 64 });

export const seatId = z
  .string('must be a string')
  .regex(/^[A-Za-z0-9_-]{1,32}$/, 'must be 1-32 of A-Z a-z 0-9 _ -')
  .meta({ minLength: 1, maxLength: 32 });
