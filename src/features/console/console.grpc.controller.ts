import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { Stats } from '../../generated/aerie/console/v1/console';
import { ConsoleApi } from './console.api';
import { GetStatsDto } from './console.dto';

/** The console's own call over gRPC. The service says what it throws. */
@Controller()
export class ConsoleGrpcController {
  constructor(private readonly console: ConsoleApi) {}

  @GrpcMethod('ConsoleService')
  getStats(@Payload() request: GetStatsDto): Promise<Stats> {
    return this.console.getStats(request);
  }
}
