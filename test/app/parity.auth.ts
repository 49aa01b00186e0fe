import { authContract as auth } from '../../src/features/auth/auth.api';
import type { Case } from './parity.case';

// Sessions differ by nature; what they have in common is in test/features/auth. Here is what is refused.

function call(
  method: string,
  name: string,
  message: object | ((w: string) => object),
  code: string,
  field?: string,
): Case {
  const more = field === undefined ? {} : { field };
  const of = typeof message === 'function' ? (message as (w: string) => object) : () => message;
  return { name: `${method}: ${name}`, contract: auth, method, message: of, code, ...more };
}

const person = { name: 'Ada', email: 'parity@example.com', password: 'correct horse' };
const register = (name: string, change: object, field: string): Case =>
  call('register', name, { ...person, ...change }, 'validation_failed', field);

const registrations: Case[] = [
  register('no name', { name: '' }, 'name'),
  register('a name of 65 characters', { name: 'x'.repeat(65) }, 'name'),
  register('no e-mail address', { email: 'ada' }, 'email'),
  register('an address with a line break', { email: 'ada@example.com\n' }, 'email'),
  register('seven characters', { password: '1234567' }, 'password'),
  register('seven characters of two units each', { password: '\u{1F511}'.repeat(7) }, 'password'),
  register('seven characters when composed', { password: 'e\u0301'.repeat(7) }, 'password'),
  register('129 characters', { password: 'x'.repeat(129) }, 'password'),
  register('a control character', { password: 'correct\u0007horse' }, 'password'),
  register('what stands for lost bytes', { password: 'correct\ufffdhorse' }, 'password'),
  register('everything wrong', { name: '', email: '', password: '' }, 'password'),
];

const logins: Case[] = [
  call(
    'login',
    'unknown user',
    (w) => ({ email: `${w}@example.com`, password: 'correct horse' }),
    'credentials_invalid',
  ),
  call(
    'login',
    'a password that is too short for any',
    (w) => ({ email: `${w}@example.com`, password: 'x' }),
    'credentials_invalid',
  ),
  call('login', 'no password', { email: 'x@example.com', password: '' }, 'validation_failed', 'password'),
  call('login', 'no address', { email: '', password: 'x' }, 'validation_failed', 'email'),
];

const tokens: Case[] = [
  call('verify', 'without a token', {}, 'token_invalid'),
  { ...call('verify', 'with a wrong one', {}, 'token_invalid'), headers: { authorization: 'Bearer e30.e30.e30' } },
  call('logout', 'without a token', {}, 'token_invalid'),
];

const roles: Case[] = [
  call('setRole', 'unknown user', { userId: '01KAJ0000000000000000000AA', role: 'admin' }, 'user_not_found'),
  call('setRole', 'unknown role', { userId: '01KAJ0000000000000000000AA', role: 'root' }, 'validation_failed', 'role'),
  call('setRole', 'no ULID', { userId: 'player-1', role: 'admin' }, 'validation_failed', 'userId'),
];

export const authCases: readonly Case[] = [...registrations, ...logins, ...tokens, ...roles];
