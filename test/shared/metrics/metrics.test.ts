import { register } from 'prom-client';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { everyDatabase } from '../../support/databases';
import { metricSum } from '../../support/metrics';
import { eventBody, signed } from '../../support/signed';
import { openApp } from '../../support/wires';

// nestjs-prometheus knows one registry for the whole process; each application here has its own.

const [sqlite] = everyDatabase;

test('what one application counts, another one in the same process does not show', async () => {
  await using database = await (sqlite as (typeof everyDatabase)[number]).create();
  await using other = await (sqlite as (typeof everyDatabase)[number]).create();
  await using first = await openApp(database.url);
  await using second = await openApp(other.url);
  const look = (url: string): Promise<number> =>
    metricSum(url, 'http_requests_total{service="app",method="GET",path="/healthz"');
  for (let i = 0; i < 3; i += 1) await (await request(`${first.url}/healthz`)).body.dump();
  expect([await look(first.url), await look(second.url)]).toEqual([3, 0]);
  expect(register.getMetricsAsArray()).toEqual([]);
  const { headers, body } = await request(`${second.url}/metrics`);
  expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await body.text()).toContain('\nusers_created_total 0\n');
});

test("a process's own warm-up is not counted; the very same request of somebody else is", async () => {
  await using database = await (sqlite as (typeof everyDatabase)[number]).create();
  await using app = await openApp(database.url);
  const counted = () =>
    Promise.all(
      ['http_requests_total{service="events-gateway"', 'dropped_events_total{'].map((name) => metricSum(app.url, name)),
    );
  expect(await counted()).toEqual([0, 0]);
  const rehearsal = signed('rehearsal-0', eventBody({ type: 'rehearsal' }));
  expect((await app.http.call(gateway, 'ingest', rehearsal)).code).toBe('validation_failed');
  expect(await counted()).toEqual([1, 1]);
});
