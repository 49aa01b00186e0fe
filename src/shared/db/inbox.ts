import { Table } from 'typeorm';
import { insertNew } from './bulk';
import { bigint, type ColumnOwner, sequence, text } from './columns';
import type { Sql } from './sql';

/** The ids of the events that a consumer has applied: they commit together with the effect. */
export function inboxTable(type: ColumnOwner, name: string): Table {
  return new Table({
    name,
    columns: [sequence(type), text(type, 'event_id', 128), bigint(type, 'group_id')],
    indices: [{ name: `${name}_event`, columnNames: ['event_id'], isUnique: true }],
  });
}

/** Puts the ids into an inbox and answers those that were not there. */
export function enterInbox(tx: Sql, table: string, eventIds: readonly string[], groupId: number): Promise<Set<string>> {
  const rows = eventIds.map((id) => [id]);
  return insertNew(tx, { table, columns: { event_id: 'text' }, key: ['event_id'], rows, groupId });
}
