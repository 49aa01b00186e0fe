import { Injectable } from '@nestjs/common';
import { insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { type Window, type WindowKind, windowOf } from './leaderboard.calendar';

/** A window that has a board. `revision` grows with every group of events that was applied to it. */
export interface StoredWindow extends Window {
  readonly id: number;
  readonly state: 'open' | 'closed';
  readonly revision: number;
}

const columns = {
  kind: 'text',
  window_key: 'text',
  starts_at: 'int',
  ends_at: 'int',
  state: 'text',
  revision: 'int',
} as const;
const select = 'SELECT seq, kind, window_key, starts_at, ends_at, state, revision FROM leaderboard_windows';

/** The table `leaderboard_windows`. */
@Injectable()
export class WindowsRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('leaderboard');
  }

  /** Nobody else writes here, so what this process knows of its windows is true. */
  get embedded(): boolean {
    return this.db.embedded;
  }

  /** The window with its row, which is made if there is none. */
  async ensure(window: Window): Promise<StoredWindow> {
    const row = [window.kind, window.key, window.startsAt, window.endsAt, 'open', 0];
    await this.db.transaction((tx) =>
      insertNew(tx, {
        table: 'leaderboard_windows',
        columns,
        key: ['kind', 'window_key'],
        rows: [row],
        groupId: newGroupId(),
      }),
    );
    const stored = await this.find(window.kind, window.key);
    if (!stored) throw new Error(`The window ${window.name} was made and is not there`);
    return stored;
  }

  async find(kind: WindowKind, key: string): Promise<StoredWindow | undefined> {
    const text = `${select} WHERE kind = ? AND window_key = ?`;
    const rows = await this.db.read((sql) => sql.rows<WindowRow>(text, [kind, key]));
    return rows[0] && toWindow(rows[0]);
  }

  /** Gives an open window other ends; false when it has been closed. */
  async move({ id }: StoredWindow, { startsAt, endsAt }: Window): Promise<boolean> {
    const text = `UPDATE leaderboard_windows SET starts_at = ?, ends_at = ? WHERE seq = ? AND state = 'open'`;
    return this.db.transaction(async (tx) => (await tx.run(text, [startsAt, endsAt, id])) === 1);
  }

  /** Those that are open, the one that ends first first. */
  async open(): Promise<StoredWindow[]> {
    const text = `${select} WHERE state = 'open' ORDER BY ends_at, seq`;
    return (await this.db.read((sql) => sql.rows<WindowRow>(text))).map(toWindow);
  }
}

interface WindowRow {
  readonly seq: number;
  readonly kind: WindowKind;
  readonly window_key: string;
  readonly starts_at: number;
  readonly ends_at: number;
  readonly state: 'open' | 'closed';
  readonly revision: number;
}

function toWindow(row: WindowRow): StoredWindow {
  const window = windowOf(row.kind, row.window_key, row.starts_at, row.ends_at);
  return { ...window, id: row.seq, state: row.state, revision: row.revision };
}
