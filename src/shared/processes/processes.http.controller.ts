import { Controller, Get } from '@nestjs/common';
import type { ListProcessesResponse, Process } from '../../generated/aerie/processes/v1/processes';
import { HttpRequest } from '../http/http-request.decorator';
import { ProcessesApi } from './processes.api';
import { GetProcessDto, ListProcessesDto } from './processes.dto';

/** The calls of processes over HTTP. The service says what they throw. */
@Controller('processes')
export class ProcessesHttpController {
  constructor(private readonly processes: ProcessesApi) {}

  @Get('self')
  getProcess(@HttpRequest() request: GetProcessDto): Promise<Process> {
    return this.processes.getProcess(request);
  }

  @Get()
  listProcesses(@HttpRequest() request: ListProcessesDto): Promise<ListProcessesResponse> {
    return this.processes.listProcesses(request);
  }
}
