import { Client, credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { service as definition } from 'grpc-health-check';
import { GrpcHealth } from '../../../src/shared/health/grpc.health';
import type { Readiness } from '../../../src/shared/health/readiness';
import { eventually } from '../../support/eventually';

// Looked at twice a second, told only what is new: a thousand watchers cost nothing while nothing changes.

const users = 'aerie.users.v1.UserService';
let status: 'ready' | 'not_ready';
let health: GrpcHealth;
let server: Server;
let client: Client;

beforeEach(async () => {
  status = 'not_ready';
  health = new GrpcHealth({
    report: async () => ({ status, checks: {} }),
  } as unknown as Readiness);
  server = new Server();
  health.addTo(server, [users]);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
});
afterEach(() => {
  client.close();
  server.forceShutdown();
});

/** What a watcher of `name` is sent, from its beginning. */
function watched(name: string): string[] {
  const { Watch } = definition;
  if (!Watch) throw new Error('No Watch');
  const told: string[] = [];
  client
    .makeServerStreamRequest(Watch.path, Watch.requestSerialize, Watch.responseDeserialize, { service: name })
    .on('data', (answer: { status: string }) => told.push(answer.status))
    .on('error', () => undefined);
  return told;
}

async function look(times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) await health.refresh();
}

test.each(['', users])('a watcher of %j is sent how it is and every change, once', async (name) => {
  await look(3);
  const told = watched(name);
  await eventually(async () => expect(told).toEqual(['NOT_SERVING']));
  const changes = ['ready', 'not_ready', 'ready'] as const;
  for (const [i, change] of changes.entries()) {
    status = change;
    await look(5);
    await eventually(async () => expect(told).toHaveLength(i + 2));
  }
  expect(told).toEqual(['NOT_SERVING', 'SERVING', 'NOT_SERVING', 'SERVING']);
});

test('who comes later is sent how it is now, and who was there is sent nothing', async () => {
  status = 'ready';
  await look(2);
  const first = watched('');
  await eventually(async () => expect(first).toEqual(['SERVING']));
  await look(2);
  const second = watched('');
  await eventually(async () => expect(second).toEqual(['SERVING']));
  expect(first).toEqual(['SERVING']);
});
