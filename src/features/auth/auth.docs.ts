import type { Docs } from '../../shared/contract/call-docs';
import type { AuthApi } from './auth.api';
import {
  accountAnswer,
  GetStandingDto,
  LoginDto,
  LogoutDto,
  logoutAnswer,
  RegisterDto,
  SetRoleDto,
  sessionAnswer,
  standingAnswer,
  VerifyDto,
  verifyAnswer,
} from './auth.dto';

const at = '2026-11-21T10:00:00.000Z';
const user = {
  id: '01KAJ0000000000000000000AA',
  name: 'Ada',
  email: 'ada@example.com',
  version: 1,
  createdAt: at,
  updatedAt: at,
};
const password = 'correct horse battery staple';
const session = { accessToken: 'eyJ...', tokenType: 'Bearer', expiresIn: 86_400, user };
const account = { userId: user.id, role: 'admin' };

/** Each call as OpenAPI describes it. */
export const authDocs: Docs<AuthApi> = {
  register: {
    summary: 'Make a user with a password, and log in',
    request: RegisterDto,
    answer: sessionAnswer,
    facts: ['limits', 'secret'],
    status: 201,
    errors: { 409: ['email_taken'], 429: ['rate_limited'] },
    example: { request: { name: user.name, email: user.email, password }, answer: session },
  },
  login: {
    summary: 'A token for whoever knows the password; unknown users and wrong passwords get one answer',
    request: LoginDto,
    answer: sessionAnswer,
    facts: ['limits', 'secret'],
    errors: { 401: ['credentials_invalid'], 429: ['rate_limited'] },
    example: { request: { email: user.email, password }, answer: session },
  },
  verify: {
    summary: 'Whose token this is, and that it still holds',
    request: VerifyDto,
    answer: verifyAnswer,
    example: { request: {}, answer: { user, role: 'player', expiresAt: '2026-11-22T10:00:00.000Z' } },
  },
  logout: {
    summary: 'End the token that is presented, everywhere',
    request: LogoutDto,
    answer: logoutAnswer,
    example: { request: {}, answer: {} },
  },
  setRole: {
    summary: 'Make somebody an administrator, or no longer one; holds at once, also for tokens that are out',
    request: SetRoleDto,
    answer: accountAnswer,
    errors: { 404: ['user_not_found', 'account_not_found'] },
    example: { request: account, answer: account },
  },
  getStanding: {
    summary: 'What a token of this user is worth now; without a role nothing',
    request: GetStandingDto,
    answer: standingAnswer,
    example: { request: { userId: user.id, tokenId: '01KAJ0000000000000000000BB' }, answer: { role: 'player' } },
  },
};
