import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { detach } from '../async/guarded';
import { Clock } from '../clock/clock';
import { outsideRequests } from '../tracing/request-context';

/** The rights of a user: everything, or what is their own. */
export type Role = 'player' | 'admin';

/** Answers for users' accounts; the feature that keeps them implements it. */
export abstract class Standing {
  /**
   * The role of the account now; undefined when user or account is gone, or the token with this id was revoked. Read from
   * the database, never out of a cache of its own. @throws AppError unavailable
   */
  abstract roleOf(userId: string, jti: string): Promise<Role | undefined>;
}

// The README promises it.
const keptMs = 1000;
const maxUsers = 10_000;
const maxTokens = 8;

interface Asked {
  readonly began: number;
  readonly role: Promise<Role | undefined>;
}

/**
 * Where the feature that keeps accounts says so; a process without it knows nobody. Answers are kept for a second from when
 * they were asked for. Whoever changes a standing calls `forget` after its COMMIT: here it holds at once, and in other
 * processes within that second.
 */
@Injectable()
export class StandingRegistry {
  private standing: Standing | undefined;
  // By user, and then by the id of the token.
  private readonly asked = new LRUCache<string, Map<string, Asked>>({ max: maxUsers });

  constructor(private readonly clock: Clock) {}

  register(standing: Standing): void {
    this.standing = standing;
  }

  /** True where somebody answers for accounts. */
  get known(): boolean {
    return this.standing !== undefined;
  }

  /** As `Standing.roleOf`, a second old at most. Who asks at the same time shares one read. @throws AppError unavailable */
  roleOf(userId: string, jti: string): Promise<Role | undefined> {
    let tokens = this.asked.get(userId);
    if (!tokens) {
      tokens = new Map();
      this.asked.set(userId, tokens);
    }
    const known = tokens.get(jti);
    if (known && this.clock.monotonic() - known.began < keptMs) return known.role;
    return this.ask(tokens, userId, jti);
  }

  /**
   * To be called after the COMMIT of whatever changes what a user's tokens are worth. A read that began before is dropped
   * with the map that it is in, however late it ends.
   */
  forget(userId: string): void {
    this.asked.delete(userId);
  }

  private ask(tokens: Map<string, Asked>, userId: string, jti: string): Promise<Role | undefined> {
    const began = this.clock.monotonic();
    const role = outsideRequests(async () => this.standing?.roleOf(userId, jti));
    const asked = { began, role };
    // The one that was asked for first makes room.
    tokens.delete(jti);
    for (const first of tokens.keys()) if (tokens.size >= maxTokens) tokens.delete(first);
    tokens.set(jti, asked);
    const drop = (): void => {
      if (tokens.get(jti) === asked) tokens.delete(jti);
    };
    detach(role.then(() => undefined, drop));
    return role;
  }
}
