import { guarded } from '../async/guarded';
import { unavailable } from '../errors/common.errors';
import type { Gate } from './gate';
import type { SqliteThread } from './sqlite.thread';

const lookMs = 250;
// 64 MB. Each checkpoint writes a page once, however often it has changed: fewer of them halve the writes of an index on
// random keys.
const dueFrames = 16_000;
const fewestChanges = 2000;
const limitMs = 60_000;

/**
 * Moves what the write-ahead log holds into the database file, on a thread of its own: in this one nobody would get an
 * answer for as long as the disk takes. Most of it beside the writer; only for the last pages does the writer wait, and
 * then begins the log anew.
 * Source: https://www.sqlite.org/wal.html, 3.3
 */
export class SqliteCheckpointer {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private looked = { changes: 0, log: 0 };
  private next = fewestChanges;

  constructor(
    private readonly thread: SqliteThread,
    private readonly gate: Gate,
  ) {}

  /** `changes`: how many rows this process has changed so far. `failed` hears of errors; the next look tries again. */
  start(changes: () => number | Promise<number>, failed: (error: unknown) => void): void {
    const look = guarded((): void => {
      this.working = this.look(changes)
        .catch(failed)
        .finally(() => {
          if (this.timer) this.timer = setTimeout(look, lookMs).unref();
        });
    });
    this.timer = setTimeout(look, lookMs).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.working;
    await this.thread.close();
  }

  private async look(count: () => number | Promise<number>): Promise<void> {
    const changes = await count();
    if (changes < this.next) return;
    const log = await this.checkpoint();
    const grown = log - this.looked.log;
    // The larger the tables, the fewer changes share a page: from now on it can be more.
    const perChange = Math.max(1, grown / Math.max(1, changes - this.looked.changes));
    const due = log >= dueFrames;
    if (due) await this.finish();
    this.looked = { changes, log: due ? 0 : log };
    this.next = changes + Math.max(fewestChanges, (dueFrames - this.looked.log) / perChange);
  }

  /** Little has been written meanwhile; once nobody writes and all is in the file, the next writer begins the log anew. */
  private async finish(): Promise<void> {
    await this.gate.enter('normal', limitMs);
    try {
      await this.checkpoint();
    } finally {
      this.gate.leave();
    }
  }

  /** Copies what can be copied beside a writer, and answers how many pages the log has. */
  private async checkpoint(): Promise<number> {
    const [found] = await this.thread.rows<{ log: number }>('PRAGMA wal_checkpoint(PASSIVE)', [], limitMs);
    if (!found) throw unavailable(new Error('A checkpoint without an answer'));
    return found.log;
  }
}
