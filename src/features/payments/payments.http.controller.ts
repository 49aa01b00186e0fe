import { Controller, Get, Post } from '@nestjs/common';
import type {
  ListPaymentsResponse,
  Payment,
  PaymentsAudit,
  ReceiveWebhookResponse,
} from '../../generated/aerie/payments/v1/payments';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { HttpRequest } from '../../shared/http/http-request.decorator';
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

@Controller('payments')
export class PaymentsHttpController {
  constructor(private readonly payments: PaymentsApi) {}

  @Post()
  createPayment(@HttpRequest() request: CreatePaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.createPayment(request, { idempotencyKey: key });
  }

  @Post(':id/process')
  processPayment(
    @HttpRequest() request: ProcessPaymentDto,
    @IdempotencyKey() key: string | undefined,
  ): Promise<Payment> {
    return this.payments.processPayment(request, { idempotencyKey: key });
  }

  @Get('audit')
  auditPayments(@HttpRequest() request: AuditPaymentsDto): Promise<PaymentsAudit> {
    return this.payments.auditPayments(request);
  }

  @Get(':id')
  getPayment(@HttpRequest() request: GetPaymentDto): Promise<Payment> {
    return this.payments.getPayment(request);
  }

  @Get()
  listPayments(@HttpRequest() request: ListPaymentsDto): Promise<ListPaymentsResponse> {
    return this.payments.listPayments(request);
  }

  @Post(':id/cancel')
  cancelPayment(@HttpRequest() request: CancelPaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.cancelPayment(request, { idempotencyKey: key });
  }

  @Post(':id/refund')
  refundPayment(@HttpRequest() request: RefundPaymentDto, @IdempotencyKey() key: string | undefined): Promise<Payment> {
    return this.payments.refundPayment(request, { idempotencyKey: key });
  }

  @Post('webhooks/:provider')
  receiveWebhook(@HttpRequest() request: ReceiveWebhookDto): Promise<ReceiveWebhookResponse> {
    return this.payments.receiveWebhook(request);
  }
}
