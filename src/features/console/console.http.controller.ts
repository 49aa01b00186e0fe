import { Controller, Get } from '@nestjs/common';
import type { Stats } from '../../generated/aerie/console/v1/console';
import { HttpRequest } from '../../shared/http/http-request.decorator';
import { ConsoleApi } from './console.api';
import { GetStatsDto } from './console.dto';

/** The console's own call over HTTP. The service says what it throws. */
@Controller('console')
export class ConsoleHttpController {
  constructor(private readonly console: ConsoleApi) {}

  @Get('stats')
  getStats(@HttpRequest() request: GetStatsDto): Promise<Stats> {
    return this.console.getStats(request);
  }
}
