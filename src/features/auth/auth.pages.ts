import { z } from 'zod';
import type { Page } from '../../shared/contract/page';

const key = z
  .object({
    kty: z.literal('RSA'),
    use: z.literal('sig'),
    alg: z.literal('RS256'),
    kid: z.string(),
    n: z.string(),
    e: z.string(),
  })
  .meta({ id: 'Jwk' });
const keySet = z.object({ keys: z.array(key) }).meta({ id: 'JwkSet' });

/** What OpenAPI says of the keys. */
export const authPages: readonly Page[] = [
  {
    http: 'GET /.well-known/jwks.json',
    operationId: 'jwks',
    service: 'auth',
    summary: 'The public keys of tokens (RFC 7517), to check them elsewhere',
    answers: {
      200: {
        description: 'The key that signs, those that signed before, and the one that will sign next',
        schema: keySet,
        example: { keys: [{ kty: 'RSA', use: 'sig', alg: 'RS256', kid: 'b7Xk...', n: 'vA1c...', e: 'AQAB' }] },
      },
    },
  },
];
