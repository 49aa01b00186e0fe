import { createHash, timingSafeEqual } from 'node:crypto';

/** The secrets by which processes of one system, and its operators, know each other. */
export class InternalSecrets {
  private readonly digests: readonly Buffer[];

  constructor(secrets: readonly Buffer[]) {
    this.digests = secrets.map(digest);
  }

  /** True when an `Authorization` header bears one of them. */
  isIn(authorization: string | undefined): boolean {
    const bearer = bearerOf(authorization);
    if (bearer === undefined) return false;
    const presented = digest(Buffer.from(bearer, 'utf8'));
    // Every secret is compared, so that time does not tell which one matched.
    return this.digests.map((secret) => timingSafeEqual(secret, presented)).includes(true);
  }
}

/** What an `Authorization` header bears. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return authorization === undefined ? undefined : /^Bearer (\S+)$/i.exec(authorization)?.[1];
}

function digest(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest();
}
