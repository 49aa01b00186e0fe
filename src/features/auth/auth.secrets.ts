import { createHmac, hkdfSync } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Config } from '../../shared/config/config';

/** Keys of auth's own, one for each purpose, out of the secret that this process has anyway. Source: RFC 5869 */
@Injectable()
export class AuthSecrets {
  private readonly salts: Buffer;
  private readonly names: Buffer;

  constructor(config: Config) {
    const [first] = config.hmacKeys;
    if (!first) throw new Error('HMAC_SECRET is empty');
    const derived = (purpose: string) => Buffer.from(hkdfSync('sha256', first.secret, '', `aerie/auth/${purpose}`, 32));
    this.salts = derived('salt');
    this.names = derived('name');
  }

  /** The same 16 bytes for an address at every time, and nobody else's: who registers again after a crash hashes the same. */
  saltOf(address: string): Buffer {
    return createHmac('sha256', this.salts).update(address).digest().subarray(0, 16);
  }

  /** A name for an address that does not tell it. */
  nameOf(address: string): string {
    return createHmac('sha256', this.names).update(address).digest('base64url');
  }
}
