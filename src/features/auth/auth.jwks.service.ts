import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type PublicJwk, TokenKeys } from '../../shared/auth/token-keys';

/** A JWK Set (RFC 7517). */
export interface Jwks {
  readonly keys: readonly PublicJwk[];
}

/** The public keys with which everybody can check the tokens of this process. */
@Injectable()
export class JwksService implements OnApplicationBootstrap {
  constructor(private readonly keys: TokenKeys) {
    // While the databases are being connected.
    this.keys.begin();
  }

  /** @throws ConfigError: with keys that cannot be used the process does not start */
  async onApplicationBootstrap(): Promise<void> {
    await this.keys.ring();
  }

  async jwks(): Promise<Jwks> {
    const { published } = await this.keys.ring();
    return { keys: published };
  }
}
