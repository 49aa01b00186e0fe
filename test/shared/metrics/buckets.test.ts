import { request } from 'undici';
import { everyDatabase } from '../../support/databases';
import { openApp } from '../../support/wires';

// A histogram tells nothing of what is above its last bucket, nor where its only bucket is.

const [sqlite] = everyDatabase;

test.each([
  // Somebody may wait for two hours, and may have been told anything before.
  ['queue_wait_seconds', 1, 7200],
  ['queue_eta_error_seconds', 1, 7200],
  // A sale holds for up to 900 seconds, and for a minute more where it is extended.
  ['reservations_hold_seconds', 1, 960],
  // A provider that is silent for longer is not waited for.
  ['payments_provider_duration_seconds', 0.1, 5],
])('%s tells apart what is between %d and %d seconds', async (name, from, to) => {
  await using database = await (sqlite as (typeof everyDatabase)[number]).create();
  await using app = await openApp(database.url);
  const text = await (await request(`${app.url}/metrics`)).body.text();
  const found = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([0-9.]+)"`, 'gm'))].map(([, le]) => Number(le));
  const between = found.filter((le) => le >= from && le <= to);
  expect([between[0], between.at(-1)]).toEqual([from, to]);
  // Each at most thrice the one before.
  for (const [i, le] of between.slice(1).entries()) expect(le / (between[i] ?? 0)).toBeLessThanOrEqual(3);
});
