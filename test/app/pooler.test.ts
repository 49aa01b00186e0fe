import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { startApp } from '../support/app';
import { refuseNobody } from '../support/fairness';
import { type PoolMode, startPgbouncer } from '../support/pgbouncer';
import { createDatabase, dropDatabase } from '../support/servers';
import { eventBody, signed } from '../support/signed';
import { HttpWire } from '../support/wires';

// The whole application behind a real PgBouncer: everything that is sent is accepted.

test.each<[PoolMode, number]>([
  ['transaction', 4],
  ['session', 40],
])('events are accepted behind PgBouncer in %s mode, and it is ready', async (mode, size) => {
  const server = process.env.TEST_POSTGRES_URL ?? '';
  const direct = await createDatabase(server);
  {
    await using pooler = await startPgbouncer(direct, mode, size);
    await using app = await startApp({ databaseUrl: pooler.url });
    await refuseNobody(app.url);
    const http = new HttpWire(app.url);
    const codes = await Promise.all(
      Array.from({ length: 720 }, async (_, i) => {
        const event = eventBody({ playerId: `player-${i % 90}` });
        return (await http.call(gateway, 'ingest', signed(`${mode}-${i}`, event))).code;
      }),
    );
    expect(codes.filter((code) => code !== 'ok')).toEqual([]);
    const ready = await request(`${app.url}/health/ready`);
    expect([ready.statusCode, await ready.body.json()]).toMatchObject([200, { status: 'ready' }]);
    expect(await app.stop()).toBe(0);
  }
  await dropDatabase(server, direct);
});
