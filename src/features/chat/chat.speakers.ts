import { Injectable } from '@nestjs/common';
import { currentCaller } from '../../shared/auth/caller';
import { RateLimiter } from '../../shared/rate-limit/rate-limiter';
import { currentContext } from '../../shared/tracing/request-context';
import { chatRefused, chatTooFast, tooManyReports, usernameRequired } from './chat.errors';
import { ChatHub } from './chat.hub';
import type { ChatAccount } from './chat.identity';
import { type ChatName, chatName, chatNameOf, nameAttempts } from './chat.names';

const posts = { name: 'chat-posts', max: 10, windowSeconds: 1 } as const;
// Each keeps twenty messages for months.
const reports = { name: 'chat-reports', max: 10, windowSeconds: 60 } as const;

/** Somebody who talks without being connected. */
export interface Speaking extends ChatName {
  readonly userId?: string | undefined;
}

/** Who talks by calls: the account of the token, or whoever the caller says that it is, unless somebody is here by that name. */
@Injectable()
export class ChatSpeakers {
  constructor(
    private readonly hub: ChatHub,
    private readonly limiter: RateLimiter,
  ) {}

  /** Lets the caller read; answers the account. @throws AppError token_invalid */
  async admit(): Promise<ChatAccount | undefined> {
    return this.hub.identity.ofCaller(currentCaller());
  }

  /** @throws AppError token_invalid, validation_failed without a name, username_taken, slow_down */
  async of(name: string | undefined): Promise<Speaking> {
    const account = await this.hub.identity.ofCaller(currentCaller());
    const taken = await this.limiter.take(posts, limitedAs(account?.userId));
    if (taken.exceeded) throw chatTooFast(taken.resetMs);
    if (account) return { ...this.freeName(account), userId: account.userId };
    if (name === undefined) throw usernameRequired();
    const wanted = chatName(name) as ChatName;
    if (this.hub.registry.people.has(wanted.canonical)) throw chatRefused('username_taken');
    return wanted;
  }

  /**
   * Who reports something: the account of the token, or whoever the caller says that it is, who may well be connected by that
   * name. @throws AppError token_invalid, validation_failed without a name, slow_down
   */
  async reporter(name: string | undefined): Promise<Speaking> {
    const account = await this.hub.identity.ofCaller(currentCaller());
    const taken = await this.limiter.take(reports, limitedAs(account?.userId));
    if (taken.exceeded) throw tooManyReports(taken.resetMs);
    if (account) return { ...chatNameOf(account, 0), userId: account.userId };
    if (name === undefined) throw usernameRequired();
    return chatName(name) as ChatName;
  }

  /** The name under which the account is here, or would be. */
  private freeName(account: ChatAccount): ChatName {
    const { people } = this.hub.registry;
    for (let attempt = 0; attempt < nameAttempts; attempt += 1) {
      const name = chatNameOf(account, attempt);
      const person = people.find(name.canonical);
      if (person ? person.present.userId === account.userId : !people.has(name.canonical)) return name;
    }
    throw chatRefused('username_taken');
  }
}

function limitedAs(userId: string | undefined): string {
  return userId ?? currentContext()?.peer ?? '';
}
