import { type RowOf, table } from '../../shared/db/entity';
import { inboxEntity } from '../../shared/log/inbox';
import { parkedEntity, placeEntity } from '../../shared/log/place.entity';
import type { WindowKind } from './leaderboard.calendar';

// Times are milliseconds since 1970. `groupId` is 0: earlier versions, which may run beside this one, insert by it.

export const windowsTable = table('leaderboard_windows', (column) => ({
  columns: {
    seq: column.sequence(),
    kind: column.text<WindowKind>(8),
    windowKey: column.text(32),
    startsAt: column.bigint(),
    endsAt: column.bigint(),
    state: column.text<'open' | 'closed'>(8),
    // It grows with every group of events that is applied; its row's lock puts those groups into one order.
    revision: column.bigint(),
    closedAt: column.nullableBigint(),
    groupId: column.bigint(),
  },
  unique: { leaderboard_windows_key: ['kind', 'windowKey'] },
  indices: { leaderboard_windows_state: ['state', 'endsAt'] },
}));

export type WindowRow = RowOf<typeof windowsTable>;

/** No index has the order of the board: it would cost each event three times what the score does. Memory has that order. */
export const scoresTable = table('leaderboard_scores', (column) => ({
  columns: {
    windowId: column.bigint(),
    playerId: column.text(128, { madeWith: 64 }),
    score: column.bigint(),
    achievedAt: column.bigint(),
    // The window's revision that changed this row last.
    revision: column.bigint(),
  },
  primary: ['windowId', 'playerId'],
}));

/** The changes of each revision of an open window, for other processes to follow; with SQLite it stays empty. */
export const changesTable = table('leaderboard_changes', (column) => ({
  columns: { windowId: column.bigint(), revision: column.bigint(), standings: column.longText() },
  primary: ['windowId', 'revision'],
}));

export const snapshotsTable = table('leaderboard_snapshots', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    windowId: column.bigint(),
    // The time when the interval began; 0 for the final one. The first process that inserts it takes the snapshot.
    slot: column.bigint(),
    kind: column.text<'periodic' | 'final'>(8),
    takenAt: column.bigint(),
    total: column.bigint(),
    groupId: column.bigint(),
  },
  unique: { leaderboard_snapshots_id: ['id'], leaderboard_snapshots_once: ['windowId', 'slot'] },
}));

export const snapshotEntriesTable = table('leaderboard_snapshot_entries', (column) => ({
  columns: {
    snapshotId: column.text(26),
    place: column.integer(),
    playerId: column.text(128, { madeWith: 64 }),
    score: column.bigint(),
    achievedAt: column.bigint(),
  },
  primary: ['snapshotId', 'place'],
}));

export const leaderboardTables = [
  windowsTable,
  scoresTable,
  changesTable,
  snapshotsTable,
  snapshotEntriesTable,
  inboxEntity('leaderboard_inbox'),
  placeEntity('leaderboard'),
  parkedEntity('leaderboard'),
];
