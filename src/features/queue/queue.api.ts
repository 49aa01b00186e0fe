import type { QueueService } from '../../generated/aerie/queue/v1/queue';
import type { Contract } from '../../shared/contract/contract';

/** The calls of the waiting room, for other features, other processes and the client library. */
export abstract class QueueApi {
  abstract joinQueue: QueueService['joinQueue'];
  abstract getQueueStatus: QueueService['getQueueStatus'];
  abstract requestAdmission: QueueService['requestAdmission'];
  abstract leaveQueue: QueueService['leaveQueue'];
  abstract leaveQueueByBeacon: QueueService['leaveQueueByBeacon'];
  abstract getQueueStats: QueueService['getQueueStats'];
  abstract getDraw: QueueService['getDraw'];
}

export const queueContract: Contract<QueueApi> = {
  name: 'queue',
  token: QueueApi,
  proto: { package: 'aerie.queue.v1', service: 'QueueService' },
  routes: {
    joinQueue: { http: 'POST /queue/join', access: 'player', retry: true },
    getQueueStatus: { http: 'GET /queue/status', access: 'public', retry: true },
    requestAdmission: { http: 'POST /queue/enter', access: 'player', retry: true },
    leaveQueue: { http: 'DELETE /queue/leave', access: 'public', retry: true },
    // A beacon has no body that says its type.
    leaveQueueByBeacon: { http: 'POST /queue/leave', access: 'public', inQuery: true, retry: true },
    getQueueStats: { http: 'GET /queue/stats', access: 'admin', retry: true },
    getDraw: { http: 'GET /queue/draw', access: 'public', retry: true },
  },
  streams: { watchQueue: 'public' },
};
