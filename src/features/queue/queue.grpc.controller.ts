import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import type {
  Admission,
  Draw,
  LeaveQueueResponse,
  QueueStats,
  QueueStatus,
  QueueTicket,
} from '../../generated/aerie/queue/v1/queue';
import { GrpcCall, type ServerStream } from '../../shared/grpc/grpc.changes';
import { QueueApi } from './queue.api';
import {
  GetDrawDto,
  GetQueueStatsDto,
  GetQueueStatusDto,
  JoinQueueDto,
  LeaveQueueDto,
  RequestAdmissionDto,
  WatchQueueDto,
} from './queue.dto';
import { QueueWatch } from './queue.watch';

/** The calls of the waiting room over gRPC. The service says what they throw. */
@Controller()
export class QueueGrpcController {
  constructor(
    private readonly queue: QueueApi,
    private readonly watching: QueueWatch,
  ) {}

  @GrpcMethod('QueueService')
  joinQueue(@Payload() request: JoinQueueDto): Promise<QueueTicket> {
    return this.queue.joinQueue(request);
  }

  @GrpcMethod('QueueService')
  getQueueStatus(@Payload() request: GetQueueStatusDto): Promise<QueueStatus> {
    return this.queue.getQueueStatus(request);
  }

  @GrpcMethod('QueueService')
  watchQueue(
    @Payload() request: WatchQueueDto,
    @GrpcCall() call: ServerStream<QueueStatus>,
  ): Promise<Observable<QueueStatus>> {
    return this.watching.watch(call, request);
  }

  @GrpcMethod('QueueService')
  requestAdmission(@Payload() request: RequestAdmissionDto): Promise<Admission> {
    return this.queue.requestAdmission(request);
  }

  @GrpcMethod('QueueService')
  leaveQueue(@Payload() request: LeaveQueueDto): Promise<LeaveQueueResponse> {
    return this.queue.leaveQueue(request);
  }

  @GrpcMethod('QueueService')
  leaveQueueByBeacon(@Payload() request: LeaveQueueDto): Promise<LeaveQueueResponse> {
    return this.queue.leaveQueueByBeacon(request);
  }

  @GrpcMethod('QueueService')
  getQueueStats(@Payload() request: GetQueueStatsDto): Promise<QueueStats> {
    return this.queue.getQueueStats(request);
  }

  @GrpcMethod('QueueService')
  getDraw(@Payload() request: GetDrawDto): Promise<Draw> {
    return this.queue.getDraw(request);
  }
}
