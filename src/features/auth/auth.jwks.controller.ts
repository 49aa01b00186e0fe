import { Controller, Get, Header, type OnApplicationBootstrap } from '@nestjs/common';
import { z } from 'zod';
import { type PublicJwk, TokenKeys } from '../../shared/auth/token-keys';
import type { Page } from '../../shared/contract/page';

/** A JWK Set (RFC 7517). */
export interface Jwks {
  readonly keys: readonly PublicJwk[];
}

/**
 * The public keys with which everybody can check the tokens of this process. HTTP only: those who check tokens elsewhere
 * expect them there (RFC 8414).
 */
@Controller('.well-known')
export class AuthJwksController implements OnApplicationBootstrap {
  constructor(private readonly keys: TokenKeys) {
    // While the databases are being connected.
    this.keys.begin();
  }

  /** @throws ConfigError: with keys that cannot be used the process does not start */
  async onApplicationBootstrap(): Promise<void> {
    await this.keys.ring();
  }

  @Get('jwks.json')
  // A key that is to sign next is published this long before, as a second file.
  @Header('cache-control', 'public, max-age=300')
  async jwks(): Promise<Jwks> {
    return { keys: (await this.keys.ring()).published };
  }
}

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

/** The keys as OpenAPI describes them. */
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
