import { createHmac, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../../shared/config/config';

/** A key of auth's own, out of the secret that this process has anyway. Source: RFC 5869 */
@Injectable()
export class AuthSecrets {
  private readonly names: Buffer;

  constructor(config: Config) {
    const [first] = config.hmacKeys;
    if (!first) throw new Error('HMAC_SECRET is empty');
    this.names = Buffer.from(hkdfSync('sha256', first.secret, '', 'aerie/auth/name', 32));
  }

  /** A name for an address that does not tell it. */
  nameOf(address: string): string {
    return createHmac('sha256', this.names).update(address).digest('base64url');
  }
}
