import type { Clock } from '../../src/shared/clock/clock';
import type { Sql } from '../../src/shared/db/database';
import { DatabaseTime } from '../../src/shared/db/database.time';

/** A database's clock that stands still until the test moves it. */
export class StillTime extends DatabaseTime {
  constructor(
    clock: Clock,
    private readonly at: () => number,
  ) {
    super(clock);
  }

  override nowIn(_sql: Sql): Promise<number> {
    return Promise.resolve(this.at());
  }
}
