import type { BadVariable } from '../../shared/config/config.errors';
import type { EnvironmentVariables } from '../../shared/config/config.schema';

/** A process that signs tokens needs a key; in development one is made. */
export function* authRules(env: EnvironmentVariables): Generator<BadVariable> {
  if (env.ENVIRONMENT !== 'development' && env.JWT_PRIVATE_KEY_FILE === undefined)
    yield { name: 'JWT_PRIVATE_KEY_FILE', reason: 'is missing: auth signs with it (openssl genrsa -out jwt.pem 2048)' };
}
