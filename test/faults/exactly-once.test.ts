import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { expected, wholeBoard } from '../features/leaderboard/play';
import { type AppProcess, startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { pointsOf } from '../support/events';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { passedAll } from '../support/lag';
import { freePort } from '../support/processes';
import { createDatabase, type DatabaseServer, startMariadb, startPostgres } from '../support/servers';
import { HttpWire } from '../support/wires';
import { Ledger, Senders } from './senders';

// Accepted = applied exactly once, whatever is killed and whenever. Issue 2, must hold 2.

const kills = 20;
const players = 20;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Disaster {
  readonly databaseUrl: string;
  /** After these kills of the process the database is killed, too. */
  readonly server?: DatabaseServer;
}

async function survive({ databaseUrl, server }: Disaster): Promise<void> {
  const env = {
    HTTP_PORT: String(await freePort()),
    GRPC_PORT: String(await freePort()),
    LOG_LEVEL: 'info',
  };
  const start = (): Promise<AppProcess> => startApp({ databaseUrl, env });
  let app = await start();
  await refuseNobody(app.url);
  const ledger = new Ledger(players);
  const target = { url: app.url, grpcAddress: app.grpcUrl.slice('grpc://'.length) };
  const senders = new Senders(target, ledger);
  try {
    for (let i = 0; i < kills; i++) {
      await sleep(Math.random() * 400);
      await app[Symbol.asyncDispose]();
      app = await start();
      if (server && i % 5 === 4) await killDatabase(server);
    }
    await senders.stop();
    await eventually(() => senders.sendAll(), 120_000);
    await verify(app.url, ledger);
  } finally {
    await senders.stop();
    senders.close();
    await app[Symbol.asyncDispose]();
  }
}

async function killDatabase(server: DatabaseServer): Promise<void> {
  await sleep(Math.random() * 300);
  await server.kill();
  await sleep(300);
  await server.restart();
}

async function verify(url: string, ledger: Ledger): Promise<void> {
  const http = new HttpWire(url);
  expect(ledger.surprises).toEqual([]);
  expect(ledger.events.filter(({ id }) => !ledger.heard.has(id))).toEqual([]);
  expect(ledger.events.length).toBeGreaterThan(500);
  await passedAll({ url }, undefined, 180_000);
  expect((await http.call(gateway, 'listDeadLetters', {})).body.deadLetters).toEqual([]);
  await verifyBoards(http, ledger);
  for (const [playerId, xp] of ledger.sums()) {
    const { body } = await http.call(progression, 'getProgress', { playerId });
    expect(body).toMatchObject({ playerId, xp });
  }
}

/** Every board, entry by entry, is the plain sort of what was accepted. */
async function verifyBoards(http: HttpWire, { events }: Ledger): Promise<void> {
  const keys = { daily: dayOf, weekly: weekOf, seasonal: quarterOf };
  for (const [window, keyOf] of Object.entries(keys)) {
    for (const key of new Set(events.map(({ occurredAt }) => keyOf(occurredAt)))) {
      const counted = events.filter(({ occurredAt }) => keyOf(occurredAt) === key);
      const points = counted.map((event) => ({ ...event, points: pointsOf(event) }));
      expect((await wholeBoard(http, { window, key })).entries).toEqual(expected(points));
    }
  }
}

const dayOf = (time: string): string => time.slice(0, 10);
const quarterOf = (time: string): string => `${time.slice(0, 4)}-Q${Math.ceil(Number(time.slice(5, 7)) / 3)}`;

/** The week of ISO 8601: that of its Thursday, which is in the week's year. */
function weekOf(time: string): string {
  const day = new Date(`${dayOf(time)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 3 - ((day.getUTCDay() + 6) % 7));
  const week = Math.floor((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / (7 * 86_400_000)) + 1;
  return `${day.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}

test.each(everyDatabase)(
  '$name: the process is killed at 20 random instants',
  async ({ create }) => {
    await using database = await create();
    await survive({ databaseUrl: database.url });
  },
  900_000,
);

test.each([
  ['postgres', startPostgres],
  ['mysql', startMariadb],
] as const)(
  '%s: the process and the database itself are killed',
  async (_name, startServer) => {
    await using server = await startServer();
    await survive({ databaseUrl: await createDatabase(server.url), server });
  },
  900_000,
);
