import type { AuthService } from '../../generated/aerie/auth/v1/auth';
import type { Contract } from '../../shared/contract/contract';

/** The calls of auth, for other features, other processes and the client library. */
export abstract class AuthApi {
  abstract register: AuthService['register'];
  abstract login: AuthService['login'];
  abstract verify: AuthService['verify'];
  abstract logout: AuthService['logout'];
  abstract setRole: AuthService['setRole'];
  abstract getStanding: AuthService['getStanding'];
}

export const authContract: Contract<AuthApi> = {
  name: 'auth',
  token: AuthApi,
  proto: { package: 'aerie.auth.v1', service: 'AuthService' },
  routes: {
    register: { http: 'POST /auth/register', access: 'public' },
    login: { http: 'POST /auth/login', access: 'public' },
    verify: { http: 'GET /auth/verify', access: 'token', retry: true },
    logout: { http: 'POST /auth/logout', access: 'token', retry: true },
    setRole: { http: 'PUT /auth/accounts/:userId/role', access: 'admin', retry: true },
    getStanding: { http: 'GET /auth/accounts/:userId/standing', access: 'admin', retry: true },
  },
};
