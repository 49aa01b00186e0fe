import { type RowOf, table } from '../../shared/db/entity';

/** One row for each account or name that was muted lately. Times here and below are milliseconds since 1970. */
export const mutesTable = table('chat_mutes', (column) => ({
  columns: {
    seq: column.sequence(),
    /** The name as names are compared, or of an account `user:` and its id. */
    subject: column.text(160),
    name: column.text(64),
    canonical: column.text(64),
    userId: column.text(128),
    reason: column.text(200),
    mutedAt: column.bigint(),
    mutedUntil: column.bigint(),
    mutedBy: column.text(160),
  },
  unique: { chat_mutes_subject: ['subject'] },
  indices: { chat_mutes_until: ['mutedUntil'] },
}));

/** Messages that somebody has reported, as they were then. */
export const reportsTable = table('chat_reports', (column) => ({
  columns: {
    seq: column.sequence(),
    id: column.text(26),
    room: column.text(64),
    epoch: column.text(26),
    messageSeq: column.bigint(),
    reason: column.text(200),
    reporter: column.text(160),
    createdAt: column.bigint(),
    // JSON
    messages: column.longText(),
  },
  unique: { chat_reports_id: ['id'], chat_reports_once: ['room', 'epoch', 'messageSeq', 'reporter'] },
  indices: { chat_reports_created: ['createdAt'] },
}));

export type MuteRow = RowOf<typeof mutesTable>;
export type ReportRow = RowOf<typeof reportsTable>;
