import { type DataSourceOptions, Table } from 'typeorm';
import { bigint, sequence, text } from './columns';

/** The ids of the events that a consumer has applied: they commit together with the effect. */
export function inboxTable(type: DataSourceOptions['type'], name: string): Table {
  return new Table({
    name,
    columns: [sequence(type), text(type, 'event_id', 128), bigint(type, 'group_id')],
    indices: [{ name: `${name}_event`, columnNames: ['event_id'], isUnique: true }],
  });
}
