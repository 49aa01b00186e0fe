import { Table as MigratedTable } from 'typeorm';
import { insertNew } from './bulk';
import { bigint, type ColumnOwner, sequence, text } from './columns';
import { table } from './entity';
import type { Sql } from './sql';

/** The ids of the events that a consumer has applied, for a migration: they commit together with the effect. */
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

/** Puts the ids into an inbox and answers those that were not there. */
export function enterInbox(tx: Sql, name: string, eventIds: readonly string[], groupId: number): Promise<Set<string>> {
  const rows = eventIds.map((id) => [id]);
  return insertNew(tx, { table: name, columns: { event_id: 'text' }, key: ['event_id'], rows, groupId });
}
