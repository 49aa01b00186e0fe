import { Injectable } from '@nestjs/common';
import { newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { raiseBlocks } from './fairness.blocks.repository';
import type { Block, Findings, Flag } from './fairness.findings';
import { insertFlags } from './fairness.flags.repository';

/** Blocks that hold now for the players of the findings, and flags that were not there before. */
export interface Saved {
  readonly blocks: readonly Block[];
  readonly flags: readonly Flag[];
}

/** Writes what the rules have found: blocks and flags together. */
@Injectable()
export class FindingsRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('fairness');
  }

  /** One transaction. Saving again what is there has no effect. */
  save({ blocks, flags }: Findings, priority: 'normal' | 'background' = 'normal'): Promise<Saved> {
    const groupId = newGroupId();
    return this.db.transaction(
      async (tx) => ({
        blocks: blocks.length === 0 ? [] : await raiseBlocks(tx, blocks, groupId),
        flags: flags.length === 0 ? [] : await insertFlags(tx, flags, groupId),
      }),
      { priority },
    );
  }
}
