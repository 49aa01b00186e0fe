import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import type { ListDeadLettersResponse } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import { everyDatabase, journalUrl } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { passedAll } from '../../support/lag';
import { execute } from '../../support/statements';
import { openApp } from '../../support/wires';

// A row of the journal that cannot be read keeps no other from its consumers, and is parked where everybody sees it.

/** Puts events into an empty journal as a process would have left them that ended before it could hand them on. */
function leave(url: string, payloads: Readonly<Record<string, string>>): Promise<void> {
  const at = Date.now();
  const rows = Object.entries(payloads).map(
    ([id, payload], place) =>
      `INSERT INTO game_events (seq, id, type, player_id, occurred_at, accepted_at, payload, points, trace_id)
       VALUES (${place + 1}, '${id}', 'progression', 'left-${id}', ${at}, ${at}, '${payload}', 7, 't')`,
  );
  return execute(url, ...rows);
}

test.each(everyDatabase)('$name', async ({ create }) => {
  await using database = await create();
  await using app = await openApp(database.url);
  await leave(journalUrl(database.url), { first: '{"deltaXp":7}', broken: '{"deltaXp":', last: '{"deltaXp":7}' });
  for (const id of ['first', 'last'])
    await eventually(async () =>
      expect((await app.http.call(progression, 'getProgress', { playerId: `left-${id}` })).body).toMatchObject({
        xp: 7,
      }),
    );
  await passedAll(app);
  const { body } = await app.http.call(gateway, 'listDeadLetters', {});
  const letters = (body as unknown as ListDeadLettersResponse).deadLetters;
  expect(letters.map(({ consumer }) => consumer).sort()).toEqual(['leaderboard', 'progression']);
  for (const letter of letters)
    expect(letter).toMatchObject({
      eventId: 'broken',
      eventSeq: 2,
      reason: expect.stringMatching(/row 2 cannot be read/),
    });
});
