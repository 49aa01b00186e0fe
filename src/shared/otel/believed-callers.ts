import { InternalSecrets } from '../auth/internal-secrets';
import type { Config } from '../config/config';
import { Peers } from '../connections/peers';
import type { CallersTrace } from '../tracing/tracing';

/**
 * Whose word it is that a trace is recorded: another process of this system says so with the internal secret, and proxies are
 * named. From anybody else it would be a way to have every request recorded.
 */
export class BelievedCallers {
  private readonly secrets: InternalSecrets;
  private readonly proxies: Peers;

  constructor({ internalSecrets, trustedProxies }: Pick<Config, 'internalSecrets' | 'trustedProxies'>) {
    this.secrets = new InternalSecrets(internalSecrets);
    this.proxies = new Peers(trustedProxies);
  }

  includes({ authorization, address }: CallersTrace): boolean {
    if (this.proxies.isTrusted(this.proxies.of(address, undefined))) return true;
    return typeof authorization === 'string' && this.secrets.isIn(authorization);
  }
}
