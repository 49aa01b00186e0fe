import { TimeLimitError, within } from '../../shared/async/within';
import type { Config } from '../../shared/config/config';
import { type Finding, Patient } from '../../shared/findings/finding';
import { PaymentsSettings } from './payments.settings';
import { StripeProvider, stripeUrl } from './payments.stripe';

const limitMs = 3000;

/** Looks at the provider that takes the money. The simulator is part of this process: there is nothing to ask. */
export async function examinePayments({ environment, settings }: Config): Promise<readonly Finding[]> {
  const { provider, stripe } = settings.get(PaymentsSettings) as PaymentsSettings;
  if (provider !== 'stripe') return [];
  const patient = new Patient('payments', new URL(stripe.apiUrl ?? stripeUrl).origin);
  try {
    const began = performance.now();
    const version = await within(new StripeProvider(stripe).ask(), limitMs);
    patient.well('stripe', { version, latencyMs: performance.now() - began });
  } catch (error) {
    refused(patient, error);
  }
  if (environment === 'production' && /^[sr]k_test_/.test(stripe.secretKey))
    patient.warn(
      "STRIPE_SECRET_KEY is of Stripe's test mode: no money is taken",
      'Give it the key of the live mode, and STRIPE_WEBHOOK_SECRET that of the live endpoint.',
    );
  return patient.findings;
}

/** By the kind of error alone: the words of Stripe's repeat a part of the key. */
function refused(patient: Patient, error: unknown): void {
  const { type, statusCode, detail } = error as {
    readonly type?: string;
    readonly statusCode?: number;
    readonly detail?: { readonly code?: string };
  };
  if (type === 'StripeAuthenticationError')
    patient.fail(
      'refuses us: it does not know the key',
      'Give STRIPE_SECRET_KEY a key of the account that is not revoked.',
    );
  else if (type === 'StripePermissionError')
    patient.fail(
      'refuses us: the key may not read payments',
      'A restricted key needs to write PaymentIntents and Refunds; then it may read them, too.',
    );
  else if (type === 'StripeRateLimitError')
    patient.warn(
      'is asked too often by this account',
      'Payments wait and are tried again: look who else uses the key.',
    );
  else if (statusCode !== undefined)
    patient.fail(
      `answers ${statusCode}`,
      'See that STRIPE_API_URL speaks as Stripe does; status.stripe.com tells of outages.',
    );
  else
    patient.fail(
      `does not answer: ${error instanceof TimeLimitError ? error.message : (detail?.code ?? 'no connection')}`,
      'See that it can be reached from here, through whatever proxy there is. Orders wait until it answers.',
    );
}
