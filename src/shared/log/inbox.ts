import { Table as MigratedTable } from 'typeorm';
import { bigint, type ColumnOwner, sequence, text } from '../db/columns';
import { table } from '../db/entity';

// Until consumers kept a place they kept the ids of all events that they had applied. What was accepted before that is
// still looked up here; a later version drops these tables.

/** The ids of the events that a consumer has applied, for a migration. */
export function inboxTable(type: ColumnOwner, name: string): MigratedTable {
  return new MigratedTable({
    name,
    columns: [sequence(type), text(type, 'event_id', 128), bigint(type, 'group_id')],
    indices: [{ name: `${name}_event`, columnNames: ['event_id'], isUnique: true }],
  });
}

/** The same table as its feature lists it; a later migration has made room for longer ids. */
export function inboxEntity(name: string) {
  return table(name, (column) => ({
    columns: { seq: column.sequence(), eventId: column.text(255, { madeWith: 128 }), groupId: column.bigint() },
    unique: { [`${name}_event`]: ['eventId'] },
  }));
}
