import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Readiness } from './readiness';

@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** Asks nobody: a restart does not mend a database. */
  @Get(['health/live', 'healthz'])
  live(): { status: 'alive' } {
    return { status: 'alive' };
  }

  @Get('health/ready')
  ready(@Res() reply: FastifyReply): Promise<FastifyReply> {
    return this.readiness.report().then((report) => reply.code(report.status === 'ready' ? 200 : 503).send(report));
  }
}
