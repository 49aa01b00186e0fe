import { Table as MigratedTable } from 'typeorm';
import { bigint, type ColumnOwner, longText, sequence, text } from '../db/columns';
import { table } from '../db/entity';

/** The table of a feature's answers to calls with an Idempotency-Key, for a migration: the rows commit together with the effects. */
export function idempotencyTable(type: ColumnOwner, name: string): MigratedTable {
  return new MigratedTable({
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

/** The same table as its feature lists it. */
export function idempotencyEntity(name: string) {
  return table(name, (column) => ({
    columns: {
      seq: column.sequence(),
      keyHash: column.text(64),
      fingerprint: column.text(64),
      answer: column.longText(),
      expiresAt: column.bigint(),
      groupId: column.bigint(),
    },
    unique: { [`${name}_key`]: ['keyHash'] },
    indices: { [`${name}_expires`]: ['expiresAt'] },
  }));
}
