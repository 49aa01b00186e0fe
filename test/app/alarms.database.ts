import { Alarmed, type Fault, minutesAreSeconds } from '../support/alarms';
import { redisCall, startRedis } from '../support/redis';
import { createDatabase, type DatabaseServer, startPostgres } from '../support/servers';

// What the application stands on is gone, or says something else.

let postgres: DatabaseServer;
let redis: DatabaseServer;

export async function openOnServers(): Promise<Alarmed> {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  const databaseUrl = await createDatabase(postgres.url);
  const env = { REDIS_URL: redis.url, ...minutesAreSeconds };
  return Alarmed.open({ databaseUrl, env, beside: [redis, postgres] });
}

const anotherClock = `CREATE FUNCTION fast.clock_timestamp() RETURNS timestamptz LANGUAGE sql
  AS $$ SELECT pg_catalog.clock_timestamp() + interval '1 hour' $$`;
/** What is set for a database holds for sessions that begin after it. */
const newSessions = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE datname = current_database() AND pid <> pg_backend_pid()`;
const forDatabase = (setting: string): string =>
  `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I ${setting}', current_database()); END $$`;

const withoutDatabase = ['AerieNotReady', 'AerieHttpErrors', 'AerieGrpcErrors', 'AerieEventsUnavailable'];

export const databaseFaults: readonly Fault[] = [
  {
    what: 'the database is killed under events',
    rings: withoutDatabase,
    make: async (system) => {
      const traffic = system.traffic();
      await system.told('rate(grpc_server_handled_total[5s]) > 0 and on () rate(http_requests_total[5s]) > 0');
      await postgres.kill();
      return async () => {
        await postgres.start();
        await system.silent(withoutDatabase);
        await traffic[Symbol.asyncDispose]();
      };
    },
  },
  {
    what: 'Redis is killed',
    rings: ['AerieDegraded'],
    make: async () => {
      await redis.kill();
      return () => redis.start();
    },
  },
  {
    what: 'somebody else writes to a channel of Redis',
    rings: ['AerieFaults'],
    make: async () => {
      await redisCall(redis.url, 'PUBLISH', '{aerie:chat}:news', 'no news');
      return async () => undefined;
    },
  },
  {
    what: 'the clock of the database is an hour ahead',
    rings: ['AerieClockUnsure'],
    make: async (system) => {
      const searched = forDatabase('SET search_path = fast, pg_catalog, public');
      await system.sql('CREATE SCHEMA fast', anotherClock, searched, newSessions);
      return () => system.sql(forDatabase('RESET search_path'), newSessions);
    },
  },
];
