import { DataSource } from 'typeorm';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { type AppProcess, startApp } from '../support/app';
import { everyServer } from '../support/databases';
import { passedAll } from '../support/lag';
import { untilAnswered } from '../support/patiently';
import { eventBody, signed } from '../support/signed';
import { startSilentProxy } from '../support/silent-proxy';
import { HttpWire } from '../support/wires';

// SPEC 2: the process is killed at each step between an event and its effect, the database having got no further.

// Fewer events than fairness lets a player send at once.
const playerId = 'killed';
const events = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => ({
    id: `kill-${from + i}`,
    ...eventBody({ playerId, payload: { deltaXp: 1 } }),
  }));

async function send(app: AppProcess, from: number, to: number): Promise<void> {
  const message = signed(`batch-${from}`, { events: events(from, to) });
  const { code } = await untilAnswered(() => new HttpWire(app.url).call(gateway, 'ingestBatch', message));
  expect(code).toBe('ok');
}

async function effects(app: AppProcess): Promise<unknown[]> {
  const http = new HttpWire(app.url);
  const { body } = await http.call(progression, 'getProgress', { playerId });
  const rank = await http.call(leaderboard, 'getPlayerRank', { playerId, window: 'seasonal' });
  return [body.xp, rank.body.score];
}

interface Step {
  readonly step: string;
  /** What the killed process had just sent. */
  readonly statement: RegExp;
  /** Accepted before it starts, so that it has a hole to fill. */
  readonly backlog?: true;
  /** The client was not answered. */
  readonly unheard?: true;
}

const steps: Step[] = [
  { step: 'before the effect', statement: /INSERT INTO progression_players/ },
  { step: 'between the effect and the place', statement: /UPDATE progression_place SET seq/ },
  { step: 'between the score and the place', statement: /UPDATE leaderboard_place SET seq/ },
  // PostgreSQL has the text by then, and is sent the consumer's name with its length.
  {
    step: 'while it fills a hole',
    statement: /FROM game_events AS e WHERE e.seq >=|\W{4}progression\W/,
    backlog: true,
  },
  { step: 'between number and COMMIT', statement: /INSERT INTO game_events/, unheard: true },
];

describe.each(everyServer)('$name', ({ name, create }) => {
  test.each(steps)('killed $step: every event has its effect once', async ({ statement, backlog, unheard }) => {
    await using database = await create();
    const url = new URL(database.url);
    await using proxy = await startSilentProxy(Number(url.port));
    url.port = String(proxy.port);
    if (backlog) {
      await using alone = await startApp({ databaseUrl: database.url, env: { MODULES: 'events-gateway,fairness' } });
      await send(alone, 1, 8);
    }
    {
      await using app = await startApp({ databaseUrl: url.href });
      if (!backlog) await passedAll(app);
      const held = proxy.holdNext(statement);
      const sending = backlog ? Promise.resolve() : send(app, 1, 8);
      if (unheard) sending.catch(() => undefined);
      else await sending;
      await held.held;
      await app.kill('SIGKILL');
    }
    await using app = await startApp({ databaseUrl: database.url });
    // Whoever was not answered sends again.
    await send(app, 1, 10);
    await passedAll(app);
    expect(await effects(app)).toEqual([10, 10]);
    const source = await new DataSource({ type: name as 'postgres' | 'mysql', url: database.url }).initialize();
    const [row] = (await source.query('SELECT COUNT(*) AS n, MAX(seq) AS head FROM game_events')) as object[];
    await source.destroy();
    expect(Object.values(row ?? {}).map(Number)).toEqual([10, 10]);
  });
});
