import { Table as MigratedTable } from 'typeorm';
import { bigint, type ColumnOwner, integer, longText, sequence, text } from '../db/columns';
import { table } from '../db/entity';
import { addColumn, createTable } from '../db/table.migration';

/** What a feature has announced and a consumer has not handled: one row for each consumer. Times: milliseconds since 1970. */
export function outboxEntity(feature: string) {
  const name = outboxTable(feature);
  return table(name, (column) => ({
    columns: {
      seq: column.sequence(),
      consumer: column.text(64),
      topic: column.text(64),
      messageKey: column.text(128),
      afterSeq: column.bigint(),
      // JSON
      body: column.longText(),
      createdAt: column.bigint(),
      /** When it is sent, or sent again. */
      nextAt: column.bigint(),
      tries: column.integer(),
      /** When its consumer has given it up; 0: it has not. */
      parkedAt: column.bigint(),
      reason: column.text(1000),
      /** How often it was given up and is tried again. */
      redriven: column.integer(),
      /** Of whoever has announced it, where that is recorded; see writeTrace. */
      trace: column.text(64, { default: '' }),
    },
    indices: {
      [`${name}_key`]: ['consumer', 'messageKey', 'seq'],
      [`${name}_due`]: ['parkedAt', 'nextAt'],
      [`${name}_after`]: ['afterSeq'],
    },
  }));
}

/** The numbers of the announcements that a consumer has handled, by where they come from. */
export function inboxEntity(consumer: string) {
  const name = inboxTable(consumer);
  return table(name, (column) => ({
    columns: {
      id: column.sequence(),
      /** Whose outbox it is in, and the topic: `payments/dead-news`. */
      topic: column.text(128),
      seq: column.bigint(),
      /** When it was announced, by its outbox, and handled here. Milliseconds since 1970. */
      createdAt: column.bigint(),
      handledAt: column.bigint(),
      /** Why it was given up; empty: it was not. */
      parked: column.text(1000),
      groupId: column.bigint(),
      /** How often it had been given up before, when it was given up last. */
      redriven: column.integer({ default: 0 }),
    },
    primary: ['id'],
    unique: { [`${name}_once`]: ['topic', 'seq'] },
    indices: { [`${name}_handled`]: ['handledAt'] },
  }));
}

/** `at`: epoch milliseconds, by which migrations are ordered. */
export function outboxMigration(feature: string, at: number) {
  const name = outboxTable(feature);
  const make = (type: ColumnOwner): MigratedTable =>
    new MigratedTable({
      name,
      columns: [
        sequence(type),
        text(type, 'consumer', 64),
        text(type, 'topic', 64),
        text(type, 'message_key', 128),
        bigint(type, 'after_seq'),
        longText(type, 'body'),
        bigint(type, 'created_at'),
        bigint(type, 'next_at'),
        integer(type, 'tries'),
        bigint(type, 'parked_at'),
        text(type, 'reason', 1000),
        integer(type, 'redriven'),
      ],
      indices: [
        { name: `${name}_key`, columnNames: ['consumer', 'message_key', 'seq'] },
        { name: `${name}_due`, columnNames: ['parked_at', 'next_at'] },
        { name: `${name}_after`, columnNames: ['after_seq'] },
      ],
    });
  return createTable(`Create${capital(feature)}Outbox${at}`, make);
}

export function inboxMigration(consumer: string, at: number) {
  const name = inboxTable(consumer);
  const make = (type: ColumnOwner): MigratedTable =>
    new MigratedTable({
      name,
      columns: [
        sequence(type, 'id'),
        text(type, 'topic', 128),
        bigint(type, 'seq'),
        bigint(type, 'created_at'),
        bigint(type, 'handled_at'),
        text(type, 'parked', 1000),
        bigint(type, 'group_id'),
      ],
      indices: [
        { name: `${name}_once`, columnNames: ['topic', 'seq'], isUnique: true },
        { name: `${name}_handled`, columnNames: ['handled_at'] },
      ],
    });
  return createTable(`Create${capital(consumer)}Inbox${at}`, make);
}

/** For an outbox that was made without it. */
export function outboxTraceMigration(feature: string, at: number) {
  return addColumn(`Add${capital(feature)}OutboxTrace${at}`, outboxTable(feature), (type) =>
    text(type, 'trace', 64, { default: "''" }),
  );
}

/** For an inbox that was made without it. */
export function inboxRedrivenMigration(consumer: string, at: number) {
  return addColumn(`Add${capital(consumer)}InboxRedriven${at}`, inboxTable(consumer), (type) =>
    integer(type, 'redriven', { default: 0 }),
  );
}

export function outboxTable(feature: string): string {
  return `${feature.replaceAll('-', '_')}_outbox`;
}

export function inboxTable(consumer: string): string {
  return `${consumer.replaceAll('-', '_')}_inbox`;
}

function capital(name: string): string {
  return name
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('');
}
