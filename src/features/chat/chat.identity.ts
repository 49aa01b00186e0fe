import { Injectable } from '@nestjs/common';
import { Authenticator } from '../../shared/auth/authenticator';
import { asInternal } from '../../shared/auth/caller';
import { type Role, StandingRegistry } from '../../shared/auth/standing';
import type { Caller } from '../../shared/tracing/request-context';
import { UsersApi } from '../users/users.api';
import { chatTokenRequired } from './chat.errors';
import { ChatSettings } from './chat.settings';

/** The account that a client has proved to be. */
export interface ChatAccount {
  readonly userId: string;
  readonly userName: string;
  /** Of its token, where it came with one. */
  readonly token?: { readonly jti: string; readonly expiresAt: number } | undefined;
}

/** Who talks: with a token its user, and without one, where CHAT_AUTH allows that, whoever they say they are. */
@Injectable()
export class ChatIdentity {
  constructor(
    private readonly settings: ChatSettings,
    private readonly authenticator: Authenticator,
    private readonly standings: StandingRegistry,
    private readonly users: UsersApi,
  ) {}

  /** The account of a client's token; undefined for somebody with a free name. @throws AppError token_invalid, unavailable */
  async ofToken(token: string | undefined): Promise<ChatAccount | undefined> {
    if (this.settings.auth === 'off') return undefined;
    if (token === undefined) {
      if (this.settings.auth === 'required') throw chatTokenRequired();
      return undefined;
    }
    const credentials = { authorization: `Bearer ${token}`, forwarded: false, behalf: {} };
    return this.accountOf(await this.authenticator.identify('token', credentials));
  }

  /** The account of whoever calls; undefined for somebody with a free name. @throws AppError token_invalid, unavailable */
  async ofCaller(caller: Caller): Promise<ChatAccount | undefined> {
    if (this.settings.auth === 'off') return undefined;
    if (caller.kind === 'player' || caller.kind === 'admin') return this.accountOf(caller);
    if (caller.kind === 'anonymous' && this.settings.auth === 'required') throw chatTokenRequired();
    return undefined;
  }

  /** @throws AppError user_not_found, unavailable */
  async accountNamed(userId: string): Promise<ChatAccount> {
    const { name: userName } = await asInternal(() => this.users.getUser({ id: userId }));
    return { userId, userName };
  }

  /** Whether the account may still talk: neither deleted, nor its token revoked or expired. @throws AppError unavailable */
  async stands({ userId, token }: ChatAccount, now: number): Promise<boolean> {
    if (token === undefined) return true;
    if (token.expiresAt <= now) return false;
    const role: Role | undefined = await this.standings.roleOf(userId, token.jti);
    return role !== undefined;
  }

  private async accountOf(caller: Caller): Promise<ChatAccount | undefined> {
    if (caller.kind !== 'player' && caller.kind !== 'admin') return undefined;
    return { ...(await this.accountNamed(caller.id)), token: caller.token };
  }
}
