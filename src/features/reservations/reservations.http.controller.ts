import { Controller, Get, Patch, Post } from '@nestjs/common';
import type {
  Availability,
  ListReservationsResponse,
  ListSalesResponse,
  Reservation,
  Sale,
  SaleAudit,
  SectionAvailability,
  VerifyTicketResponse,
  VoidGrantResponse,
} from '../../generated/aerie/reservations/v1/reservations';
import { IdempotencyKey } from '../../shared/contract/idempotency-key';
import { IfMatch, meantFor } from '../../shared/contract/if-match';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { ReservationsApi } from './reservations.api';
import {
  AuditSaleDto,
  BlockSeatsDto,
  CancelReservationDto,
  ConfirmReservationDto,
  CreateReservationDto,
  CreateSaleDto,
  ExtendReservationDto,
  GetAvailabilityDto,
  GetReservationDto,
  GetSaleDto,
  ListReservationsDto,
  ListSalesDto,
  SetSaleStateDto,
  UnblockSeatsDto,
  UpdateSaleDto,
  VerifyTicketDto,
  VoidGrantDto,
} from './reservations.dto';

/** The calls of reservations over HTTP. The service says what they throw. */
@Controller()
export class ReservationsHttpController {
  constructor(private readonly reservations: ReservationsApi) {}

  @Post('sales')
  createSale(
    @HttpRequest() request: CreateSaleDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Sale> {
    return this.reservations.createSale(request, { idempotencyKey });
  }

  @Get('sales/:saleId')
  getSale(@HttpRequest() request: GetSaleDto): Promise<Sale> {
    return this.reservations.getSale(request);
  }

  @Get('sales')
  listSales(@HttpRequest() request: ListSalesDto): Promise<ListSalesResponse> {
    return this.reservations.listSales(request);
  }

  @Patch('sales/:saleId')
  updateSale(
    @HttpRequest() request: UpdateSaleDto,
    @IfMatch() version: number | undefined,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Sale> {
    return this.reservations.updateSale(meantFor(request, version), { idempotencyKey });
  }

  @Post('sales/:saleId/state')
  setSaleState(
    @HttpRequest() request: SetSaleStateDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Sale> {
    return this.reservations.setSaleState(request, { idempotencyKey });
  }

  @Get('sales/:saleId/availability')
  getAvailability(@HttpRequest() request: GetAvailabilityDto): Promise<Availability> {
    return this.reservations.getAvailability(request);
  }

  @Post('sales/:saleId/seats/block')
  blockSeats(
    @HttpRequest() request: BlockSeatsDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<SectionAvailability> {
    return this.reservations.blockSeats(request, { idempotencyKey });
  }

  @Post('sales/:saleId/seats/unblock')
  unblockSeats(
    @HttpRequest() request: UnblockSeatsDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<SectionAvailability> {
    return this.reservations.unblockSeats(request, { idempotencyKey });
  }

  @Get('sales/:saleId/audit')
  auditSale(@HttpRequest() request: AuditSaleDto): Promise<SaleAudit> {
    return this.reservations.auditSale(request);
  }

  @Post('reservations')
  createReservation(
    @HttpRequest() request: CreateReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.createReservation(request, { idempotencyKey });
  }

  @Get('reservations/:id')
  getReservation(@HttpRequest() request: GetReservationDto): Promise<Reservation> {
    return this.reservations.getReservation(request);
  }

  @Get('reservations')
  listReservations(@HttpRequest() request: ListReservationsDto): Promise<ListReservationsResponse> {
    return this.reservations.listReservations(request);
  }

  @Post('reservations/:id/confirm')
  confirmReservation(
    @HttpRequest() request: ConfirmReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.confirmReservation(request, { idempotencyKey });
  }

  @Post('reservations/:id/cancel')
  cancelReservation(
    @HttpRequest() request: CancelReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.cancelReservation(request, { idempotencyKey });
  }

  @Post('reservations/:id/extend')
  extendReservation(
    @HttpRequest() request: ExtendReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.extendReservation(request, { idempotencyKey });
  }

  @Post('reservations/verify')
  verifyTicket(@HttpRequest() request: VerifyTicketDto): Promise<VerifyTicketResponse> {
    return this.reservations.verifyTicket(request);
  }

  @Post('sales/:saleId/grants/void')
  voidGrant(@HttpRequest() request: VoidGrantDto): Promise<VoidGrantResponse> {
    return this.reservations.voidGrant(request);
  }
}
