import type { ProcessService } from '../../generated/aerie/processes/v1/processes';
import type { Contract } from '../contract/contract';

/** What operators may ask any process about the system that it is part of. */
export abstract class ProcessesApi {
  abstract getProcess: ProcessService['getProcess'];
  abstract listProcesses: ProcessService['listProcesses'];
}

export const processesContract: Contract<ProcessesApi> = {
  name: 'processes',
  token: ProcessesApi,
  proto: { package: 'aerie.processes.v1', service: 'ProcessService' },
  routes: {
    getProcess: { http: 'GET /processes/self', access: 'admin', retry: true },
    listProcesses: { http: 'GET /processes', access: 'admin', retry: true },
  },
};
