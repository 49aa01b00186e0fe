import { Alarmed, type Fault } from '../support/alarms';
import { everyServer } from '../support/databases';

// What a process does by itself does not succeed.

export async function openForJobs(): Promise<Alarmed> {
  const database = await everyServer[0]!.create();
  return Alarmed.open({ databaseUrl: database.url, env: { SNAPSHOT_INTERVAL: '10' }, beside: [database] });
}

export const jobFaults: readonly Fault[] = [
  {
    what: 'a table is gone',
    rings: ['AerieJobFails', 'AerieJobLate'],
    make: async (system) => {
      await system.sql('ALTER TABLE reservations_outbox RENAME TO elsewhere');
      return () => system.sql('ALTER TABLE elsewhere RENAME TO reservations_outbox');
    },
  },
  {
    what: 'a table is locked, and a job waits for it in vain',
    rings: ['AerieJobLate'],
    make: (system) => system.holding('LOCK TABLE chat_mutes IN ACCESS EXCLUSIVE MODE'),
  },
  {
    what: 'the snapshot of a board cannot be kept',
    rings: ['AerieRowsLeftAlone'],
    make: async (system) => {
      await system.send('somebody');
      await system.sql('ALTER TABLE leaderboard_snapshots ADD CONSTRAINT refusing CHECK (taken_at < 0) NOT VALID');
      return async () => {
        await system.sql('ALTER TABLE leaderboard_snapshots DROP CONSTRAINT refusing');
        await system.restart();
      };
    },
  },
];
