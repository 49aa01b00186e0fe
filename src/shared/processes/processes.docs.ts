import type { Docs } from '../contract/call-docs';
import type { ProcessesApi } from './processes.api';
import { GetProcessDto, ListProcessesDto, listProcessesAnswer, processAnswer } from './processes.dto';

const one = {
  id: '01KAJ0000000000000000000AA',
  host: 'friends-0',
  pid: 17,
  addresses: [],
  version: '0.1.0',
  startedAt: '2026-11-27T10:00:00.000Z',
  modules: ['friends'],
  exposes: ['inventory'],
  status: 'ready',
  checks: [{ name: 'inventory', status: 'degraded', reason: '1 of 2 addresses do not answer: inventory-1:9090' }],
  consumers: [],
  circuits: [{ dependency: 'inventory', address: 'inventory-1:9090', state: 'open' }],
};

/** Each call as OpenAPI describes it. */
export const processesDocs: Docs<ProcessesApi> = {
  getProcess: {
    summary: 'The process that answers: its version, what runs in it, how it is, how far its consumers are behind',
    request: GetProcessDto,
    answer: processAnswer,
    example: { request: {}, answer: one },
  },
  listProcesses: {
    summary: 'The process that answers, and whoever answers at the addresses of features that it knows',
    request: ListProcessesDto,
    answer: listProcessesAnswer,
    example: {
      request: {},
      answer: {
        processes: [one],
        silent: [{ address: 'grpc://inventory-1:9090', reason: 'nobody answers', features: ['inventory'] }],
      },
    },
  },
};
