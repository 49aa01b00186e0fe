import { Injectable } from '@nestjs/common';

/** The rights of a user: everything, or what is their own. */
export type Role = 'player' | 'admin';

/** Answers for users' accounts; the feature that keeps them implements it. */
export abstract class Standing {
  /**
   * The role of the account now; undefined when user or account is gone, or the token with this id was revoked. Never out
   * of a cache: a logout holds at once, everywhere. @throws AppError unavailable
   */
  abstract roleOf(userId: string, jti: string): Promise<Role | undefined>;
}

/** Where the feature that keeps accounts says so. A process without it knows nobody. */
@Injectable()
export class StandingRegistry {
  private standing: Standing | undefined;

  register(standing: Standing): void {
    this.standing = standing;
  }

  get registered(): Standing | undefined {
    return this.standing;
  }
}
