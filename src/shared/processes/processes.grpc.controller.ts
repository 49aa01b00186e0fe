import { Controller } from '@nestjs/common';
import { GrpcMethod, Payload } from '@nestjs/microservices';
import type { ListProcessesResponse, Process } from '../../generated/aerie/processes/v1/processes';
import { ProcessesApi } from './processes.api';
import { GetProcessDto, ListProcessesDto } from './processes.dto';

/** The calls of processes over gRPC. The service says what they throw. */
@Controller()
export class ProcessesGrpcController {
  constructor(private readonly processes: ProcessesApi) {}

  @GrpcMethod('ProcessService')
  getProcess(@Payload() request: GetProcessDto): Promise<Process> {
    return this.processes.getProcess(request);
  }

  @GrpcMethod('ProcessService')
  listProcesses(@Payload() request: ListProcessesDto): Promise<ListProcessesResponse> {
    return this.processes.listProcesses(request);
  }
}
