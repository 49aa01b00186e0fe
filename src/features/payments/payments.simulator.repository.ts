import { Injectable } from '@nestjs/common';
import { insertNew, newGroupId } from '../../shared/db/bulk';
import type { Database } from '../../shared/db/database';
import { Databases } from '../../shared/db/databases';
import { insertRow, rowsOf, select, selectOne } from '../../shared/db/entity';
import { prune } from '../../shared/db/prune';
import type { Sql } from '../../shared/db/sql';
import type { Outcome } from './payments.provider';
import {
  chargesTable,
  type Delivery,
  deliveriesTable,
  requestsTable,
  type SimulatedCharge,
} from './payments.simulator.entity';

type NewCharge = Omit<SimulatedCharge, 'seq'>;

/** The books of the simulated provider. */
@Injectable()
export class SimulatorRepository {
  private readonly db: Database;

  constructor(databases: Databases) {
    this.db = databases.of('payments');
  }

  /** Answers what `work` answers, or what it answered to the same key before: it happens once. */
  once(key: string, chargeId: string, now: number, work: (tx: SimulatorSteps) => Promise<Outcome>): Promise<Outcome> {
    const columns = { idempotency_key: 'text', charge_id: 'text', answer: 'text', created_at: 'int' } as const;
    const into = { table: requestsTable.name, columns, key: ['idempotency_key'] };
    return this.db.transaction(async (tx) => {
      const rows = [[key, chargeId, '', now]];
      if ((await insertNew(tx, { ...into, rows, groupId: newGroupId() })).size === 0) {
        const before = await selectOne(tx, requestsTable, 'WHERE idempotency_key = ?', [key]);
        return JSON.parse(before?.answer ?? '{"state":"pending"}') as Outcome;
      }
      const answer = await work(new SimulatorSteps(tx));
      await rowsOf(tx, requestsTable).update({ idempotencyKey: key }, { answer: JSON.stringify(answer) });
      return answer;
    });
  }

  transaction<T>(work: (tx: SimulatorSteps) => Promise<T>): Promise<T> {
    return this.db.transaction((tx) => work(new SimulatorSteps(tx)));
  }

  /** What was answered to a key; undefined: it never came. */
  async answer(key: string): Promise<Outcome | undefined> {
    const found = await this.db.read((sql) => selectOne(sql, requestsTable, 'WHERE idempotency_key = ?', [key]));
    return found && (JSON.parse(found.answer) as Outcome);
  }

  charge(id: string): Promise<SimulatedCharge | undefined> {
    return this.db.read((sql) => selectOne(sql, chargesTable, 'WHERE id = ?', [id]));
  }

  /** The charges that are to be approved by now. */
  due(now: number, limit: number): Promise<SimulatedCharge[]> {
    const where = "WHERE state = 'pending' AND approved_at <= ? ORDER BY approved_at LIMIT ?";
    return this.db.read((sql) => select(sql, chargesTable, where, [now, limit]));
  }

  /** Takes what is to be sent by now, in the order of its time; it is put off by that, for longer each time. */
  async deliveries(now: number, limit: number, again: (tries: number) => number): Promise<Delivery[]> {
    const where = 'WHERE next_at <= ? ORDER BY next_at, seq LIMIT ?';
    const found = await this.db.read((sql) => select(sql, deliveriesTable, where, [now, limit]));
    const taken: Delivery[] = [];
    const text = 'UPDATE payments_simulator_deliveries SET next_at = ?, tries = tries + 1 WHERE seq = ? AND tries = ?';
    for (const one of found) {
      const next = now + again(one.tries);
      if ((await this.db.transaction((tx) => tx.run(text, [next, one.seq, one.tries]))) === 1) taken.push(one);
    }
    return taken;
  }

  async delivered({ seq }: Delivery): Promise<void> {
    await this.db.transaction((tx) => rowsOf(tx, deliveriesTable).delete({ seq }));
  }

  pruneRequests(before: number, limit: number): Promise<number> {
    return prune(this.db, { table: requestsTable.name, column: 'created_at', before, limit });
  }
}

/** The steps of the simulated provider, in one transaction. */
export class SimulatorSteps {
  constructor(private readonly tx: Sql) {}

  open(charge: NewCharge): Promise<void> {
    return insertRow(this.tx, chargesTable, charge);
  }

  /** The charge, which nobody else changes meanwhile. */
  async lock(id: string): Promise<SimulatedCharge | undefined> {
    await this.tx.run('UPDATE payments_simulator_charges SET created_at = created_at WHERE id = ?', [id]);
    return selectOne(this.tx, chargesTable, 'WHERE id = ?', [id]);
  }

  async change({ id }: SimulatedCharge, change: Partial<NewCharge>): Promise<void> {
    await rowsOf(this.tx, chargesTable).update({ id }, change);
  }

  send(eventId: string, body: object, at: number, now: number): Promise<void> {
    const row = { eventId, body: JSON.stringify(body), nextAt: at, tries: 0, createdAt: now };
    return insertRow(this.tx, deliveriesTable, row);
  }
}
