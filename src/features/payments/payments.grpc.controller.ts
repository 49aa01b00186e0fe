import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type {
  ListPaymentsResponse,
  Payment,
  PaymentsAudit,
  ReceiveWebhookResponse,
} from '../../generated/aerie/payments/v1/payments';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { PaymentsApi } from './payments.api';
import {
  AuditPaymentsDto,
  CancelPaymentDto,
  CreatePaymentDto,
  GetPaymentDto,
  ListPaymentsDto,
  ProcessPaymentDto,
  ReceiveWebhookDto,
  RefundPaymentDto,
} from './payments.dto';

@Controller()
export class PaymentsGrpcController {
  constructor(private readonly payments: PaymentsApi) {}

  @GrpcMethod('PaymentService')
  createPayment(@Payload() request: CreatePaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.createPayment(request, { idempotencyKey: key });
  }

  @GrpcMethod('PaymentService')
  processPayment(@Payload() request: ProcessPaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.processPayment(request, { idempotencyKey: key });
  }

  @GrpcMethod('PaymentService')
  auditPayments(@Payload() request: AuditPaymentsDto): Promise<PaymentsAudit> {
    return this.payments.auditPayments(request);
  }

  @GrpcMethod('PaymentService')
  getPayment(@Payload() request: GetPaymentDto): Promise<Payment> {
    return this.payments.getPayment(request);
  }

  @GrpcMethod('PaymentService')
  listPayments(@Payload() request: ListPaymentsDto): Promise<ListPaymentsResponse> {
    return this.payments.listPayments(request);
  }

  @GrpcMethod('PaymentService')
  cancelPayment(@Payload() request: CancelPaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.cancelPayment(request, { idempotencyKey: key });
  }

  @GrpcMethod('PaymentService')
  refundPayment(@Payload() request: RefundPaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.refundPayment(request, { idempotencyKey: key });
  }

  @GrpcMethod('PaymentService')
  receiveWebhook(@Payload() request: ReceiveWebhookDto): Promise<ReceiveWebhookResponse> {
    return this.payments.receiveWebhook(request);
  }
}
