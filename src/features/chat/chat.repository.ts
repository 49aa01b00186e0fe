import { Injectable } from '@nestjs/common';
import { And, In, LessThan, Like, MoreThan } from 'typeorm';
import { Clock } from '../../shared/clock/clock';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { isUniqueViolation } from '../../shared/db/db.errors';
import { rowsOf } from '../../shared/db/entity';
import { prune } from '../../shared/db/prune';
import { type MuteRow, mutesTable, type ReportRow, reportsTable } from './chat.entity';

export type NewMute = Omit<MuteRow, 'seq'>;
export type NewReport = Omit<ReportRow, 'seq'>;

/** The tables of chat: mutes and reports. What is said is in no table. */
@Injectable()
export class ChatRepository {
  private readonly db: Database;

  constructor(
    databases: Databases,
    private readonly clock: Clock,
  ) {
    this.db = databases.of('chat');
  }

  /** Puts each mute in the place of the one that its subject may have: all or none. */
  async mute(mutes: readonly NewMute[]): Promise<void> {
    try {
      await this.writeMutes(mutes);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      // Somebody else has just muted the same: now there is a row to change.
      await this.writeMutes(mutes);
    }
  }

  /** Ends the mutes of a name, and all of the accounts that were muted under it. */
  async unmute(canonical: string): Promise<void> {
    const now = this.clock.steady();
    const active = { mutedUntil: MoreThan(now) };
    await this.db.transaction(async (tx) => {
      const rows = rowsOf(tx, mutesTable);
      const found = await rows.findBy({ canonical, ...active });
      const userId = In(found.flatMap((row) => (row.userId === '' ? [] : [row.userId])));
      for (const where of [{ canonical }, { userId }]) await rows.update({ ...where, ...active }, { mutedUntil: now });
    });
  }

  /** Mutes that hold now, in order of their subjects. */
  activeMutes(afterSubject: string, take: number): Promise<MuteRow[]> {
    const where = { subject: MoreThan(afterSubject), mutedUntil: MoreThan(this.clock.steady()) };
    return this.db.read((sql) => rowsOf(sql, mutesTable).find({ where, order: { subject: 'ASC' }, take }));
  }

  /** As `activeMutes`, without the names that are muted beside their account. */
  listedMutes(afterSubject: string, take: number): Promise<MuteRow[]> {
    const active = { mutedUntil: MoreThan(this.clock.steady()) };
    const where = [
      { subject: MoreThan(afterSubject), userId: '', ...active },
      { subject: And(MoreThan(afterSubject), Like('user:%')), ...active },
    ];
    return this.db.read((sql) => rowsOf(sql, mutesTable).find({ where, order: { subject: 'ASC' }, take }));
  }

  /** Removes up to `limit` rows of mutes that ended before an instant, and answers how many. */
  pruneMutes(before: number, limit: number): Promise<number> {
    return prune(this.db, { table: mutesTable.name, column: 'muted_until', before, limit });
  }

  /** The report as it is kept: of one reporter and message there is one. */
  async report(report: NewReport): Promise<ReportRow> {
    const { room, epoch, messageSeq, reporter } = report;
    const once = { room, epoch, messageSeq, reporter };
    try {
      await this.db.transaction((tx) => rowsOf(tx, reportsTable).insert(report as ReportRow));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
    }
    return this.db.read((sql) => rowsOf(sql, reportsTable).findOneByOrFail(once));
  }

  /** Removes up to `limit` reports that were made before an instant, and answers how many. */
  pruneReports(before: number, limit: number): Promise<number> {
    return prune(this.db, { table: reportsTable.name, column: 'created_at', before, limit });
  }

  /** Removes up to `limit` of the oldest reports where there are more than `keep`, and answers how many. */
  async pruneReportsAbove(keep: number, limit: number): Promise<number> {
    const [newest] = await this.reports(Number.MAX_SAFE_INTEGER, 1);
    const before = (newest?.seq ?? 0) - keep + 1;
    return prune(this.db, { table: reportsTable.name, column: 'seq', before, limit });
  }

  /** Before this place, newest first. */
  reports(before: number, take: number): Promise<ReportRow[]> {
    const where = { seq: LessThan(before) };
    return this.db.read((sql) => rowsOf(sql, reportsTable).find({ where, order: { seq: 'DESC' }, take }));
  }

  private async writeMutes(mutes: readonly NewMute[]): Promise<void> {
    await this.db.transaction(async (tx) => {
      const rows = rowsOf(tx, mutesTable);
      for (const mute of mutes) {
        const { affected } = await rows.update({ subject: mute.subject }, { ...mute });
        if (affected === 0) await rows.insert({ ...mute } as MuteRow);
      }
    });
  }
}
