import { z } from 'zod';
import type { BadVariable } from '../../shared/config/config.errors';
import { hostOf, isLoopback } from '../../shared/config/config.listeners';
import type { Variables } from '../../shared/config/config.schema';
import { cleaned, secret } from '../../shared/config/config.secrets';
import { filed, url } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

const developmentSecret = Buffer.from('aerie-development-webhooks-do-not-use');

const variables = {
  PAYMENT_PROVIDER: z
    .enum(['simulator', 'stripe'], 'must be simulator or stripe')
    .optional()
    .describe('simulator | stripe; unset: simulator. Production has no simulator'),
  WEBHOOK_SECRET: filed(
    secret()
      .optional()
      .describe('Signs the webhooks of the simulator: whsec_ and base64; unset in development: one that is known'),
  ),
  STRIPE_SECRET_KEY: filed(
    z
      .string()
      .transform(cleaned)
      .pipe(z.string().regex(/^[sr]k_[A-Za-z0-9_]{8,250}$/, 'must be sk_... or rk_...'))
      .optional()
      .describe('The secret or restricted key of a Stripe account'),
  ),
  STRIPE_WEBHOOK_SECRET: filed(
    z
      .string()
      .transform(cleaned)
      .pipe(z.string().regex(/^whsec_[A-Za-z0-9+/=_-]{8,250}$/, 'must be whsec_...'))
      .optional()
      .describe('The signing secret of the Stripe endpoint that is POST /payments/webhooks/stripe'),
  ),
  STRIPE_API_URL: url(['http://', 'https://'])
    .optional()
    .describe('Another server that speaks as Stripe does; unset: https://api.stripe.com'),
};

/** The variables that only payments reads. */
export class PaymentsSettings extends settings(variables, (env) => ({
  provider: env.PAYMENT_PROVIDER ?? 'simulator',
  /** Of the simulator. */
  webhookSecret: env.WEBHOOK_SECRET ?? developmentSecret,
  stripe: {
    secretKey: env.STRIPE_SECRET_KEY ?? '',
    webhookSecret: env.STRIPE_WEBHOOK_SECRET ?? '',
    apiUrl: env.STRIPE_API_URL,
  },
})) {}

/** Money that nobody pays may be taken for money in development alone, and by mistake nowhere. */
export function* paymentsRules(env: Variables): Generator<BadVariable> {
  const { ENVIRONMENT: environment, PAYMENT_PROVIDER: provider = 'simulator' } = env;
  if (environment === 'production' && provider === 'simulator')
    yield { name: 'PAYMENT_PROVIDER', reason: 'must be stripe in production: the simulator takes no money' };
  const isReached = environment === 'staging' || (environment === 'development' && !isLoopback(hostOf(env)));
  if (isReached && provider === 'simulator' && env.WEBHOOK_SECRET === undefined)
    yield { name: 'WEBHOOK_SECRET', reason: 'is missing: the simulator signs with it, and others reach this process' };
  if (provider !== 'stripe') return;
  for (const name of ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'])
    if (env[name] === undefined) yield { name, reason: 'is missing: PAYMENT_PROVIDER=stripe needs it' };
  const api = env.STRIPE_API_URL;
  if (environment === 'production' && typeof api === 'string' && !api.startsWith('https://'))
    yield { name: 'STRIPE_API_URL', reason: 'must be https in production' };
}
