import { Module } from '@nestjs/common';
import { ContractModule } from '../contract/contract.module';
import { HealthModule } from '../health/health.module';
import { RemotesModule } from '../remote/remote.module';
import { ProcessesApi } from './processes.api';
import { ProcessesGrpcController } from './processes.grpc.controller';
import { ProcessesHttpController } from './processes.http.controller';
import { ProcessesService } from './processes.service';

/** Every process tells its operators about itself and its neighbours. */
@Module({
  imports: [ContractModule, HealthModule, RemotesModule],
  controllers: [ProcessesGrpcController, ProcessesHttpController],
  providers: [ProcessesService, { provide: ProcessesApi, useExisting: ProcessesService }],
  exports: [ProcessesApi],
})
export class ProcessesModule {}
