import { request } from 'undici';
import { usersContract as users } from '../../src/features/users/users.api';
import { startApp } from '../support/app';
import { startEtcd } from '../support/etcd';
import { eventually } from '../support/eventually';
import { startRedis } from '../support/redis';
import { certificateFile, startTlsProxy } from '../support/tls-proxy';
import { HttpWire } from '../support/wires';

// Locks over TLS, as hosted Redis and etcd have it: with a certificate that is believed, and with one that is not.

const kinds = [
  {
    name: 'redis',
    start: () => startRedis(),
    env: (port: number) => ({ LOCK_TYPE: 'redis', REDIS_URL: `rediss://localhost:${port}` }),
  },
  {
    name: 'etcd',
    start: async () => {
      const cluster = await startEtcd(1);
      const [member] = cluster.members;
      return { port: member!.port, [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose]() };
    },
    env: (port: number) => ({ LOCK_TYPE: 'etcd', ETCD_ENDPOINTS: `https://localhost:${port}` }),
  },
] as const;

describe.each(kinds)('$name', ({ start, env }) => {
  test('a user is changed under a lock over TLS; without trust in the certificate nothing is changed', async () => {
    await using server = await start();
    await using proxy = await startTlsProxy(server.port);
    for (const [trust, code, status] of [
      [{ NODE_EXTRA_CA_CERTS: certificateFile }, 'ok', 'healthy'],
      [{}, 'unavailable', 'degraded'],
    ] as const) {
      await using app = await startApp({ env: { ...env(proxy.port), ...trust, LOG_LEVEL: 'info' } });
      const http = new HttpWire(app.url);
      const { body } = await http.call(users, 'createUser', { name: 'Ada', email: 'ada@example.com' });
      const lock = async (): Promise<unknown> => {
        const answer = await request(`${app.url}/health/ready`);
        return ((await answer.body.json()) as { checks: { lock: { status: string } } }).checks.lock.status;
      };
      await eventually(async () => expect(await lock()).toBe(status));
      expect((await http.call(users, 'updateUser', { id: body.id, age: 36 })).code).toBe(code);
    }
  });
});
