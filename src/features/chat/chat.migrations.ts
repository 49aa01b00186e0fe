import { Table } from 'typeorm';
import { bigint, longText, sequence, text } from '../../shared/db/columns';
import { createTable } from '../../shared/db/table.migration';

const CreateChatMutes1795800000000 = createTable(
  'CreateChatMutes1795800000000',
  (type) =>
    new Table({
      name: 'chat_mutes',
      columns: [
        sequence(type),
        text(type, 'subject', 160),
        text(type, 'name', 64),
        text(type, 'canonical', 64),
        text(type, 'user_id', 128),
        text(type, 'reason', 200),
        bigint(type, 'muted_at'),
        bigint(type, 'muted_until'),
        text(type, 'muted_by', 160),
      ],
      indices: [
        { name: 'chat_mutes_subject', columnNames: ['subject'], isUnique: true },
        { name: 'chat_mutes_until', columnNames: ['muted_until'] },
      ],
    }),
);

const CreateChatReports1795800000001 = createTable(
  'CreateChatReports1795800000001',
  (type) =>
    new Table({
      name: 'chat_reports',
      columns: [
        sequence(type),
        text(type, 'id', 26),
        text(type, 'room', 64),
        text(type, 'epoch', 26),
        bigint(type, 'message_seq'),
        text(type, 'reason', 200),
        text(type, 'reporter', 160),
        bigint(type, 'created_at'),
        longText(type, 'messages'),
      ],
      indices: [
        { name: 'chat_reports_id', columnNames: ['id'], isUnique: true },
        {
          name: 'chat_reports_once',
          columnNames: ['room', 'epoch', 'message_seq', 'reporter'],
          isUnique: true,
        },
        { name: 'chat_reports_created', columnNames: ['created_at'] },
      ],
    }),
);

export const chatMigrations = [CreateChatMutes1795800000000, CreateChatReports1795800000001];
