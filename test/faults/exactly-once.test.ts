import { type AppProcess, startApp } from '../support/app';
import { everyDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { refuseNobody } from '../support/fairness';
import { passedAll } from '../support/lag';
import { freePort } from '../support/processes';
import { createDatabase, type DatabaseServer, startMariadb, startPostgres } from '../support/servers';
import { Ledger, Senders } from './senders';
import { verifyLedger } from './verify-ledger';

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
    await passedAll(app, undefined, 180_000);
    await verifyLedger(app.url, ledger);
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
