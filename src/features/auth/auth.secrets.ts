import { createHmac, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../../shared/config/config';
import { canonicalEmail } from '../../shared/text/email';

/** A key of auth's own, out of the secret that this process has anyway. Source: RFC 5869 */
@Injectable()
export class AuthSecrets {
  private readonly names: Buffer;

  constructor(config: Config) {
    const [first] = config.hmacKeys;
    if (!first) throw new Error('HMAC_SECRET is empty');
    this.names = Buffer.from(hkdfSync('sha256', first.secret, '', 'aerie/auth/name', 32));
  }

  /** A name for an e-mail address, in any spelling of it, that does not tell it. */
  nameOf(email: string): string {
    return createHmac('sha256', this.names)
      .update(canonicalEmail(email) ?? email)
      .digest('base64url');
  }
}
