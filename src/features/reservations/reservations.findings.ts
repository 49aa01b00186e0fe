import type { SaleAudit, SaleViolation, SectionAudit } from '../../generated/aerie/reservations/v1/reservations';
import type { AuditRow } from './reservations.audit.repository';

/** What an audit has found, as it is told: sections by their ids. */
export function toAudit(rows: readonly AuditRow[]): SaleAudit {
  // A union has no order.
  const sections = rows.filter(({ kind }) => kind === 'section').sort((a, b) => (a.name < b.name ? -1 : 1));
  const violations = rows.flatMap(violationsOf);
  return { ok: violations.length === 0, sections: sections.map(toSection), violations };
}

/** Counted from reservations; blocked is what an operator said. */
function toSection(row: AuditRow): SectionAudit {
  const { capacity, blocked, held, sold } = numbersOf(row);
  return { sectionId: row.name, capacity, available: capacity - held - sold - blocked, held, sold, blocked };
}

function numbersOf(row: AuditRow) {
  const n = (i: number): number => Number(row[`n${i}`]);
  return {
    ...{ capacity: n(0), told: { available: n(1), held: n(2), sold: n(3), blocked: n(4) }, blocked: n(4) },
    ...{ held: n(5), sold: n(6), seated: n(7) === 1 },
    seats: { available: n(8), held: n(9), sold: n(10), blocked: n(11) },
  };
}

function violationsOf(row: AuditRow): SaleViolation[] {
  const { kind, name, detail } = row;
  switch (kind) {
    case 'section':
      return sectionViolations(row);
    case 'seat':
      return [{ kind, sectionId: name, message: `Seat ${detail} is not where its reservation says` }];
    case 'buyer':
      return [{ kind, message: `A buyer is counted with ${row.n0} and has ${row.n1}` }];
    case 'unpaid':
      return [{ kind, reservationId: name, message: `No payment of exactly ${row.n0} was authorized for it` }];
    case 'items':
      return [{ kind, reservationId: name, message: 'Its quantity or amount is not the sum of its items' }];
  }
}

function sectionViolations(row: AuditRow): SaleViolation[] {
  const { capacity, told, held, sold, seated, seats } = numbersOf(row);
  const found: SaleViolation[] = [];
  const say = (kind: string, message: string): unknown => found.push({ kind, sectionId: row.name, message });
  const sum = told.available + told.held + told.sold + told.blocked;
  if (sum !== capacity || Math.min(...Object.values(told)) < 0)
    say('sum', `available, held, sold and blocked are ${sum} of ${capacity}`);
  if (told.held !== held) say('held', `${told.held} are counted as held, and reservations hold ${held}`);
  if (told.sold !== sold) say('sold', `${told.sold} are counted as sold, and reservations have ${sold}`);
  if (!seated) return found;
  for (const place of ['available', 'held', 'sold', 'blocked'] as const)
    if (told[place] !== seats[place])
      say('seats', `${told[place]} are counted as ${place}, and ${seats[place]} seats are`);
  return found;
}
