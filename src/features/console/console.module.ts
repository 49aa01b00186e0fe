import { Module } from '@nestjs/common';
import type { Feature } from '../../shared/contract/feature';
import { HealthModule } from '../../shared/health/health.module';
import { ProcessesModule } from '../../shared/processes/processes.module';
import { ConsoleApi, consoleContract } from './console.api';
import { consoleDocs } from './console.docs';
import { Figures } from './console.figures';
import { ConsoleGrpcController } from './console.grpc.controller';
import { ConsoleHttpController } from './console.http.controller';
import { ConsolePageController, consolePages } from './console.page.controller';
import { ConsoleService } from './console.service';

@Module({
  imports: [HealthModule, ProcessesModule],
  providers: [ConsoleService, { provide: ConsoleApi, useExisting: ConsoleService }, Figures],
  exports: [ConsoleApi],
})
export class ConsoleModule {}

export const consoleFeature: Feature = {
  contract: consoleContract,
  docs: consoleDocs,
  pages: consolePages,
  module: ConsoleModule,
  doors: { controllers: [ConsoleHttpController, ConsoleGrpcController, ConsolePageController] },
  keepsNothing: true,
  migrations: [],
};
