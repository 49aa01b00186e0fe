import { Controller, Delete, Get, Post } from '@nestjs/common';
import type {
  Admission,
  Draw,
  LeaveQueueResponse,
  QueueStats,
  QueueStatus,
  QueueTicket,
} from '../../generated/aerie/queue/v1/queue';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { QueueApi } from './queue.api';
import {
  GetDrawDto,
  GetQueueStatsDto,
  GetQueueStatusDto,
  JoinQueueDto,
  LeaveQueueDto,
  RequestAdmissionDto,
} from './queue.dto';

/** The calls of the waiting room over HTTP. The service says what they throw. */
@Controller('queue')
export class QueueHttpController {
  constructor(private readonly queue: QueueApi) {}

  @Post('join')
  joinQueue(@HttpRequest() request: JoinQueueDto): Promise<QueueTicket> {
    return this.queue.joinQueue(request);
  }

  @Get('status')
  getQueueStatus(@HttpRequest() request: GetQueueStatusDto): Promise<QueueStatus> {
    return this.queue.getQueueStatus(request);
  }

  @Post('enter')
  requestAdmission(@HttpRequest() request: RequestAdmissionDto): Promise<Admission> {
    return this.queue.requestAdmission(request);
  }

  @Delete('leave')
  leaveQueue(@HttpRequest() request: LeaveQueueDto): Promise<LeaveQueueResponse> {
    return this.queue.leaveQueue(request);
  }

  @Post('leave')
  leaveQueueByBeacon(@HttpRequest() request: LeaveQueueDto): Promise<LeaveQueueResponse> {
    return this.queue.leaveQueueByBeacon(request);
  }

  @Get('stats')
  getQueueStats(@HttpRequest() request: GetQueueStatsDto): Promise<QueueStats> {
    return this.queue.getQueueStats(request);
  }

  @Get('draw')
  getDraw(@HttpRequest() request: GetDrawDto): Promise<Draw> {
    return this.queue.getDraw(request);
  }
}
