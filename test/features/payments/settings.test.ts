import { paymentsFeature } from '../../../src/features/payments/payments.module';
import { PaymentsSettings } from '../../../src/features/payments/payments.settings';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';

// Money that nobody pays is never taken for money: the simulator is refused where it could be.

const feature = { ...paymentsFeature, needs: [], hears: [], announces: [] };
const refused = (environment: RawEnvironment): string => {
  try {
    loadConfig(environment, [feature]);
    return '';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
};
const stripe = {
  PAYMENT_PROVIDER: 'stripe',
  STRIPE_SECRET_KEY: 'sk_test_1234567890',
  STRIPE_WEBHOOK_SECRET: 'whsec_1234567890',
};

test('production has no simulator, unset or named', () => {
  for (const more of [{}, { PAYMENT_PROVIDER: 'simulator' }])
    expect(refused({ ENVIRONMENT: 'production', ...more })).toContain('PAYMENT_PROVIDER');
  expect(refused({ ENVIRONMENT: 'production', ...stripe })).not.toMatch(/PAYMENT_PROVIDER|STRIPE|WEBHOOK/);
});

test('Stripe needs both secrets, and none is printed', () => {
  for (const name of ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET'])
    expect(refused({ PAYMENT_PROVIDER: 'stripe' })).toContain(name);
  const wrong = refused({ ...stripe, STRIPE_SECRET_KEY: 'pk_live_of_a_browser' });
  expect(wrong).toContain('STRIPE_SECRET_KEY');
  expect(wrong).not.toContain('of_a_browser');
  expect(refused({ ENVIRONMENT: 'production', ...stripe, STRIPE_API_URL: 'http://stripe' })).toContain(
    'STRIPE_API_URL',
  );
  expect(refused(stripe)).toBe('');
});

test('the simulator signs with a secret of its own outside development', () => {
  expect(refused({ ENVIRONMENT: 'staging' })).toContain('WEBHOOK_SECRET');
  const reached = { HOST: '0.0.0.0', AUTH_REQUIRED: 'true' };
  expect(refused(reached)).toContain('WEBHOOK_SECRET');
  expect(refused({ ...reached, ...stripe })).not.toContain('WEBHOOK_SECRET: is missing: the simulator');
  expect(refused({ HOST: '127.0.0.1' })).toBe('');
  expect(refused({ WEBHOOK_SECRET: 'short' })).toContain('WEBHOOK_SECRET');
  const known = `whsec_${Buffer.from('aerie-development-webhooks-do-not-use').toString('base64')}`;
  expect(refused({ ENVIRONMENT: 'staging', WEBHOOK_SECRET: known })).toContain('WEBHOOK_SECRET');
  const own = loadConfig({ WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}` }, [feature]);
  expect((own.settings.get(PaymentsSettings) as PaymentsSettings).webhookSecret).toEqual(Buffer.alloc(32, 7));
});
