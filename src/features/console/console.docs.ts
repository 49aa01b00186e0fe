import type { Docs } from '../../shared/contract/call-docs';
import type { ConsoleApi } from './console.api';
import { GetStatsDto, statsAnswer } from './console.dto';

/** Each call as OpenAPI describes it. */
export const consoleDocs: Docs<ConsoleApi> = {
  getStats: {
    summary: 'The numbers of the process that answers, a second old at most, as charts of its operators need them',
    request: GetStatsDto,
    answer: statsAnswer,
    example: {
      request: {},
      answer: {
        asOf: '2026-11-21T10:00:00.000Z',
        processId: '01KAJ0000000000000000000AA',
        process: 'gateway-0/17',
        status: 'ready',
        checks: [{ name: 'database', status: 'healthy', reason: '' }],
        circuits: [{ dependency: 'friends', address: 'friends-0:9090', state: 'closed' }],
        load: { cpuSeconds: 12.5, memoryBytes: 180_000_000 },
        requests: [{ name: '2xx', count: 1200 }],
        events: [{ name: 'accepted', count: 1000 }],
        refused: [{ name: 'player_throttled', count: 3 }],
        consumers: [{ consumer: 'progression', events: 0, seconds: 0, givenUp: 0 }],
        outboxes: [{ feature: 'payments', consumer: 'reservations', waiting: 0, seconds: 0, parked: 0 }],
        decisions: [{ rule: 'flood', action: 'throttle', mode: 'enforce', count: 3 }],
        boards: [{ name: 'weekly', count: 250 }],
        chatClients: [{ name: 'websocket', count: 12 }],
        chatMessages: [{ name: 'message', count: 90 }],
        chatDropped: [{ name: 'slow_reader', count: 0 }],
        reservations: [{ name: 'confirmed', count: 40 }],
        payments: [{ name: 'completed', count: 40 }],
        queue: [{ name: 'waiting', count: 160 }],
      },
    },
  },
};
