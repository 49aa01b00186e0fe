import { Injectable } from '@nestjs/common';
import { ulid } from 'ulid';
import { z } from 'zod';
import type { ReceiptClaims, VerifyRewardResponse } from '../../generated/aerie/progression/v1/progression';
import { SignedClaims } from '../../shared/auth/signed-claims';
import { Clock } from '../../shared/clock/clock';
import { Config } from '../../shared/config/config';
import { ProgressionSettings } from './progression.settings';

const claims = z.strictObject({
  jti: z.string(),
  sub: z.string(),
  reward: z.strictObject({ rewardId: z.string(), kind: z.string() }),
  iat: z.number().int(),
  exp: z.number().int().exactOptional(),
});

/** Receipts of claimed rewards, signed. */
@Injectable()
export class Receipts {
  private readonly signed: SignedClaims<ReceiptClaims>;

  constructor(
    { receiptKeys }: Config,
    private readonly settings: ProgressionSettings,
    private readonly clock: Clock,
  ) {
    this.signed = new SignedClaims('receipt+jwt', receiptKeys, claims);
  }

  /** Signs a receipt for a reward that was claimed `at` an instant: milliseconds since 1970. */
  issue(playerId: string, reward: { readonly rewardId: string; readonly kind: string }, at: number): Promise<string> {
    const iat = Math.floor(at / 1000);
    const ttl = this.settings.receiptTtlMs / 1000;
    return this.signed.sign({ jti: ulid(at), sub: playerId, reward, iat, ...(ttl > 0 ? { exp: iat + ttl } : {}) });
  }

  /** Never throws for what it is given: an invalid receipt has a reason. */
  async verify(receipt: string): Promise<VerifyRewardResponse> {
    const verdict = await this.signed.verify(receipt);
    if (!verdict.valid) return verdict;
    const { exp } = verdict.claims;
    if (exp !== undefined && this.clock.steady() / 1000 >= exp) return { valid: false, reason: 'expired' };
    return verdict;
  }
}
