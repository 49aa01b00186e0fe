import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
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
import { GrpcCall, type ServerStream } from '../../shared/grpc/grpc.changes';
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
  WatchReservationDto,
} from './reservations.dto';
import { ReservationsWatch } from './reservations.watch';

/** The calls of reservations over gRPC. The service says what they throw. */
@Controller()
export class ReservationsGrpcController {
  constructor(
    private readonly reservations: ReservationsApi,
    private readonly watching: ReservationsWatch,
  ) {}

  @GrpcMethod('ReservationService')
  createSale(@Payload() request: CreateSaleDto, @IdempotencyKey() idempotencyKey: string | undefined): Promise<Sale> {
    return this.reservations.createSale(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  getSale(@Payload() request: GetSaleDto): Promise<Sale> {
    return this.reservations.getSale(request);
  }

  @GrpcMethod('ReservationService')
  listSales(@Payload() request: ListSalesDto): Promise<ListSalesResponse> {
    return this.reservations.listSales(request);
  }

  @GrpcMethod('ReservationService')
  updateSale(
    @Payload() request: UpdateSaleDto,
    @IfMatch() version: number | undefined,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Sale> {
    return this.reservations.updateSale(meantFor(request, version), { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  setSaleState(
    @Payload() request: SetSaleStateDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Sale> {
    return this.reservations.setSaleState(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  getAvailability(@Payload() request: GetAvailabilityDto): Promise<Availability> {
    return this.reservations.getAvailability(request);
  }

  @GrpcMethod('ReservationService')
  blockSeats(
    @Payload() request: BlockSeatsDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<SectionAvailability> {
    return this.reservations.blockSeats(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  unblockSeats(
    @Payload() request: UnblockSeatsDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<SectionAvailability> {
    return this.reservations.unblockSeats(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  auditSale(@Payload() request: AuditSaleDto): Promise<SaleAudit> {
    return this.reservations.auditSale(request);
  }

  @GrpcMethod('ReservationService')
  createReservation(
    @Payload() request: CreateReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.createReservation(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  getReservation(@Payload() request: GetReservationDto): Promise<Reservation> {
    return this.reservations.getReservation(request);
  }

  @GrpcMethod('ReservationService')
  listReservations(@Payload() request: ListReservationsDto): Promise<ListReservationsResponse> {
    return this.reservations.listReservations(request);
  }

  @GrpcMethod('ReservationService')
  confirmReservation(
    @Payload() request: ConfirmReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.confirmReservation(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  cancelReservation(
    @Payload() request: CancelReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.cancelReservation(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  extendReservation(
    @Payload() request: ExtendReservationDto,
    @IdempotencyKey() idempotencyKey: string | undefined,
  ): Promise<Reservation> {
    return this.reservations.extendReservation(request, { idempotencyKey });
  }

  @GrpcMethod('ReservationService')
  verifyTicket(@Payload() request: VerifyTicketDto): Promise<VerifyTicketResponse> {
    return this.reservations.verifyTicket(request);
  }

  @GrpcMethod('ReservationService')
  voidGrant(@Payload() request: VoidGrantDto): Promise<VoidGrantResponse> {
    return this.reservations.voidGrant(request);
  }

  @GrpcMethod('ReservationService')
  watchReservation(
    @Payload() request: WatchReservationDto,
    @GrpcCall() call: ServerStream<Reservation>,
  ): Promise<Observable<Reservation>> {
    return this.watching.watch(call, request);
  }
}
