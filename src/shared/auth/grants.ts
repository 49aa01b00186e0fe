import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Config } from '../config/config';
import { SignedClaims } from './signed-claims';

/** The leave to reserve once in a sale with a waiting room. Times: seconds since 1970. */
export interface Grant {
  readonly jti: string;
  /** The user. */
  readonly sub: string;
  readonly saleId: string;
  /** The ticket of the waiting room, as a hash. */
  readonly ticket: string;
  readonly iat: number;
  readonly exp: number;
}

const grant = z.strictObject({
  jti: z.string().max(64),
  sub: z.string(),
  saleId: z.string(),
  ticket: z.string(),
  iat: z.number().int(),
  exp: z.number().int(),
});

/** Grants: whoever gives them out signs them, and whoever takes them verifies without asking. `exp` is the taker's to judge. */
@Injectable()
export class Grants extends SignedClaims<Grant> {
  constructor({ grantKeys }: Config) {
    super('grant+jwt', grantKeys, grant);
  }
}
