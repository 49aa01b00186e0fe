import { randomUUID } from 'node:crypto';
import { fairnessContract as fairness } from '../../src/features/fairness/fairness.api';
import { usersContract as users } from '../../src/features/users/users.api';
import { Alarmed, type Fault } from '../support/alarms';
import { everyServer } from '../support/databases';
import { startRedis } from '../support/redis';

// What is accepted is not applied, what is found is not written, and what was held is lost.

export async function openForEvents(): Promise<Alarmed> {
  const redis = await startRedis();
  const database = await everyServer[0]!.create();
  const env = { REDIS_URL: redis.url, LOCK_TYPE: 'redis', LOCK_TTL_MS: '500' };
  return Alarmed.open({ databaseUrl: database.url, env, beside: [redis, database] });
}

/** From now on the table takes no row of this player; answers how it does. */
async function refusing(system: Alarmed, table: string, playerId: string): Promise<() => Promise<void>> {
  await system.sql(`ALTER TABLE ${table} ADD CONSTRAINT refusing CHECK (player_id <> '${playerId}') NOT VALID`);
  return () => system.sql(`ALTER TABLE ${table} DROP CONSTRAINT refusing`);
}

export const eventFaults: readonly Fault[] = [
  {
    what: 'the table of a consumer is locked',
    rings: ['AerieConsumerStuck', 'AerieConsumerLag'],
    make: async (system) => {
      const traffic = system.traffic();
      await system.told('increase(progression_apply_duration_seconds_count[5s]) > 0');
      const release = await system.holding('LOCK TABLE progression_players IN ACCESS EXCLUSIVE MODE');
      return async () => {
        await release();
        await traffic[Symbol.asyncDispose]();
      };
    },
  },
  {
    what: 'an event cannot be applied',
    rings: ['AerieDeadLetters'],
    make: async (system) => {
      const mend = await refusing(system, 'progression_players', 'cursed');
      await system.send('cursed');
      return mend;
    },
  },
  {
    what: 'a flag cannot be written',
    rings: ['AerieFindingsLost'],
    make: async (system) => {
      const mend = await refusing(system, 'fairness_flags', 'cheater');
      const event = { eventId: randomUUID(), type: 'boss_kill', playerId: 'cheater', points: 1_000_000 };
      await system.call(fairness, 'check', { events: [event] });
      return mend;
    },
  },
  {
    what: 'the row of a user is locked for longer than a lock lasts',
    rings: ['AerieLockLost'],
    make: async (system) => {
      const { id } = await system.call(users, 'createUser', { name: 'ada', email: `${randomUUID()}@example.com` });
      await system.call(users, 'updateUser', { id, name: 'bob' });
      await system.told('lock_lost_total{lock="user"} >= 0');
      const release = await system.holding(`SELECT 1 FROM users WHERE id = '${String(id)}' FOR UPDATE`);
      const updated = system.http.call(users, 'updateUser', { id, name: 'eve' });
      return async () => {
        await release();
        await updated;
      };
    },
  },
];
