import { Table } from 'typeorm';
import { bigint, type ColumnOwner, longText, sequence, text } from '../db/columns';

/** What a feature has answered to calls with an Idempotency-Key: the rows commit together with the effects. */
export function idempotencyTable(type: ColumnOwner, name: string): Table {
  return new Table({
    name,
    columns: [
      sequence(type),
      text(type, 'key_hash', 64),
      text(type, 'fingerprint', 64),
      longText(type, 'answer'),
      bigint(type, 'expires_at'),
      bigint(type, 'group_id'),
    ],
    indices: [
      { name: `${name}_key`, columnNames: ['key_hash'], isUnique: true },
      { name: `${name}_expires`, columnNames: ['expires_at'] },
    ],
  });
}
