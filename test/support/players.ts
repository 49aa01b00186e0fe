import { authContract as auth } from '../../src/features/auth/auth.api';
import type { Outcome, TestApp } from './wires';

/** Somebody who has registered. */
export interface Player {
  readonly id: string;
  readonly email: string;
  readonly token: string;
  /** With the player's token. */
  readonly headers: Record<string, string>;
}

export const password = 'correct horse battery staple';
/** For `openApp`: lets tests come from addresses of their own, so that they do not run into each other's limits. */
export const manyAddresses = { TRUSTED_PROXIES: '127.0.0.1' };

let addresses = 0;

/** An address that nobody has called from; only with `manyAddresses`. */
export function fromElsewhere(): Record<string, string> {
  addresses += 1;
  return { 'x-forwarded-for': `198.51.${addresses >> 8}.${addresses & 255}` };
}

/** Registers and answers what the server said. */
export function tryRegister(app: TestApp, email: string, wire: 'http' | 'grpc' = 'http'): Promise<Outcome> {
  return app[wire].call(auth, 'register', { name: 'Player', email, password }, fromElsewhere());
}

export async function register(app: TestApp, email: string, wire: 'http' | 'grpc' = 'http'): Promise<Player> {
  const { code, body } = await tryRegister(app, email, wire);
  if (code !== 'ok') throw new Error(`${email} cannot register: ${code}`);
  return playerOf(body);
}

/** Whose session an answer of register or login is. */
export function playerOf(body: Record<string, unknown>): Player {
  const { accessToken, user } = body as { accessToken: string; user: { id: string; email: string } };
  const headers = { authorization: `Bearer ${accessToken}` };
  return { id: user.id, email: user.email, token: accessToken, headers };
}
