import { Table as MigratedTable } from 'typeorm';
import { bigint, type ColumnOwner, integer, longText, text } from '../db/columns';
import { table } from '../db/entity';
import { createTable } from '../db/table.migration';

/** The one row of a consumer's place. */
export function placeEntity(consumer: string) {
  return table(`${consumer}_place`, (column) => ({
    columns: {
      // Always 1.
      id: column.integer(),
      seq: column.bigint(),
      eventId: column.text(255),
      // JSON: a list of [after, to, id of the event at `to`].
      ahead: column.longText(),
      // Up to this number the inbox and the parked numbers are asked, too: an earlier version kept no place.
      recheckTo: column.bigint(),
    },
    primary: ['id'],
  }));
}

/** The numbers of the events that a consumer gave up. */
export function parkedEntity(consumer: string) {
  return table(`${consumer}_parked`, (column) => ({ columns: { seq: column.bigint() }, primary: ['seq'] }));
}

/** Makes both tables; `at`: epoch milliseconds, by which migrations are ordered. */
export function placeMigrations(consumer: string, at: number) {
  const name = `${consumer.charAt(0).toUpperCase()}${consumer.slice(1)}`;
  const place = (type: ColumnOwner): MigratedTable =>
    new MigratedTable({
      name: `${consumer}_place`,
      columns: [
        integer(type, 'id', { isPrimary: true }),
        bigint(type, 'seq'),
        text(type, 'event_id', 255),
        longText(type, 'ahead'),
        bigint(type, 'recheck_to'),
      ],
    });
  const parked = (type: ColumnOwner): MigratedTable =>
    new MigratedTable({ name: `${consumer}_parked`, columns: [bigint(type, 'seq', { isPrimary: true })] });
  return [createTable(`Create${name}Place${at}`, place), createTable(`Create${name}Parked${at + 1}`, parked)];
}
