import { LRUCache } from 'lru-cache';
import { AppError } from '../errors/app-error';

const maxFailures = 5;
// About 1 MB. Of more rows that fail, some are tried more often.
const maxRemembered = 10_000;
// So many in a row without an answer: the others would have none either.
const maxOutages = 3;

export interface RowByRowOptions<Row> {
  readonly keyOf: (row: Row) => string;
  readonly work: (row: Row) => Promise<unknown>;
  /** Hears of each failure, and whether it was the last one that the row gets. */
  readonly failed: (error: unknown, key: string, parked: boolean) => void;
  /** Hears how many rows are parked, whenever that changes. */
  readonly parked: (count: number) => void;
}

/**
 * Handles rows one by one, so that one that fails stops no other. What fails five times is parked: left alone until the
 * process starts again. An outage (`unavailable`) is nobody's failure.
 */
export class RowByRow<Row> {
  private readonly failures = new LRUCache<string, number>({ max: maxRemembered });
  private seen = new Set<string>();
  private count = 0;

  constructor(private readonly options: RowByRowOptions<Row>) {}

  /**
   * `rest`: more rows follow in a later call; otherwise what failed before and is not among them is forgotten.
   * @throws AppError unavailable when there was an outage, after the others were handled
   */
  async handle(rows: readonly Row[], rest = false): Promise<void> {
    let outage: unknown;
    let outages = 0;
    for (const row of rows) {
      if (outages === maxOutages) break;
      const error = await this.one(row);
      outages = error === undefined ? 0 : outages + 1;
      outage = error ?? outage;
    }
    if (!rest && outage === undefined) this.forgetUnseen();
    if (outage !== undefined) throw outage;
  }

  /** The outage, if that is what it came to. */
  private async one(row: Row): Promise<unknown> {
    const key = this.options.keyOf(row);
    const before = this.failures.get(key) ?? 0;
    if (before > 0) this.seen.add(key);
    if (before >= maxFailures) return undefined;
    try {
      await this.options.work(row);
      this.failures.delete(key);
    } catch (error) {
      if (error instanceof AppError && error.kind === 'unavailable') return error;
      this.failures.set(key, before + 1);
      this.seen.add(key);
      this.options.failed(error, key, before + 1 === maxFailures);
      this.tell();
    }
    return undefined;
  }

  private forgetUnseen(): void {
    for (const key of [...this.failures.keys()]) if (!this.seen.has(key)) this.failures.delete(key);
    this.seen = new Set();
    this.tell();
  }

  private tell(): void {
    let count = 0;
    for (const failures of this.failures.values()) if (failures >= maxFailures) count += 1;
    if (count === this.count) return;
    this.count = count;
    this.options.parked(count);
  }
}

/** Goes through a table, some rows in each step; after the last one it begins anew. So no row hides those behind it. */
export class Pass<Row> {
  private after: Row | undefined;

  constructor(
    private readonly rows: RowByRow<Row>,
    private readonly limit: number,
  ) {}

  /** `read` answers so many rows after one, from the beginning without it. @throws AppError unavailable */
  async step(read: (after: Row | undefined, limit: number) => Promise<readonly Row[]>): Promise<void> {
    const rows = await read(this.after, this.limit);
    const rest = rows.length === this.limit;
    this.after = rest ? rows.at(-1) : undefined;
    await this.rows.handle(rows, rest);
  }
}
