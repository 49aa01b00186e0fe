import type { PaymentService } from '../../generated/aerie/payments/v1/payments';
import type { Contract, WithMeta } from '../../shared/contract/contract';
import type { SignedSpelling } from '../../shared/contract/signed-call';

/** The calls of payments, for other features, other processes and the client library. */
export abstract class PaymentsApi {
  abstract createPayment: WithMeta<PaymentService['createPayment']>;
  abstract processPayment: WithMeta<PaymentService['processPayment']>;
  abstract getPayment: PaymentService['getPayment'];
  abstract listPayments: PaymentService['listPayments'];
  abstract cancelPayment: WithMeta<PaymentService['cancelPayment']>;
  abstract refundPayment: WithMeta<PaymentService['refundPayment']>;
  abstract auditPayments: PaymentService['auditPayments'];
  abstract receiveWebhook: PaymentService['receiveWebhook'];
}

/** Stripe's own header has the elements `t` and `v1`; the simulator signs as Standard Webhooks has it. */
export const signedWebhook: SignedSpelling = {
  id: 'stripe-event-id',
  elements: 'stripe-signature',
  webhooks: ['webhook'],
};

export const paymentsContract: Contract<PaymentsApi> = {
  name: 'payments',
  token: PaymentsApi,
  proto: { package: 'aerie.payments.v1', service: 'PaymentService' },
  routes: {
    createPayment: { http: 'POST /payments', access: 'player', location: '/payments/:id' },
    processPayment: { http: 'POST /payments/:id/process', access: 'player' },
    getPayment: { http: 'GET /payments/:id', access: 'player', retry: true },
    listPayments: { http: 'GET /payments', access: 'player', retry: true },
    cancelPayment: { http: 'POST /payments/:id/cancel', access: 'player' },
    refundPayment: { http: 'POST /payments/:id/refund', access: 'admin' },
    auditPayments: { http: 'GET /payments/audit', access: 'admin', retry: true },
    receiveWebhook: {
      http: 'POST /payments/webhooks/:provider',
      access: 'public',
      bodyLimit: 256 * 1024,
      signed: signedWebhook,
      retry: true,
    },
  },
};
