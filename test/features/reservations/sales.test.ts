import { ulid } from 'ulid';
import type { AppError } from '../../../src/shared/errors/app-error';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { codeOf, hold, newSale, type Office, openOffice, saleNamed } from './office';

// Sales as operators make and change them.

describe.each(everyDatabase)('$name', ({ create }) => {
  let place: TestDatabase;
  let office: Office;

  beforeAll(async () => {
    place = await create();
    office = await openOffice(place);
  });
  afterAll(async () => {
    await office[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
  });

  const update = (request: Parameters<Office['service']['updateSale']>[0]) =>
    office.as(undefined, () => office.service.updateSale(request));
  const made = (more: object) => {
    const request = { ...saleNamed(`sale-${ulid().toLowerCase()}`), ...more };
    return codeOf(office.as(undefined, () => office.service.createSale(request)));
  };

  test('gains capacity and seats, never less than is held, sold or blocked; each change is meant for a version', async () => {
    const saleId = await newSale(office);
    await hold(office, 'ada', saleId, 4);
    const floor = (capacity: number) => ({ sectionId: 'floor', capacity, seats: [] });
    const grown = await update({
      ...{ saleId, title: 'Better', expectedVersion: 1 },
      sections: [floor(4), { sectionId: 'seats', seats: ['A4', 'B1', 'B2'] }],
    });
    expect(grown).toMatchObject({ title: 'Better', version: 2 });
    expect(grown.sections.map(({ capacity }) => capacity)).toEqual([6, 4, 3]);
    expect(await codeOf(update({ saleId, sections: [floor(3)] }))).toBe('capacity_in_use');
    expect(await codeOf(update({ saleId, title: 'Late', sections: [], expectedVersion: 1 }))).toBe('version_mismatch');
    expect((await office.service.getSale({ saleId })).title).toBe('Better');
    expect(await codeOf(hold(office, 'bob', saleId, 1))).toBe('sold_out');
    expect(await codeOf(hold(office, 'bob', saleId, ['B1', 'B2']))).toBe('ok');
    expect((await office.audit(saleId)).ok).toBe(true);
  });

  test.each([
    ['twice the same id', { sections: [saleNamed('x').sections[0], saleNamed('x').sections[0]] }],
    ['neither capacity nor seats', { sections: [{ sectionId: 'x', price: 1, seats: [] }] }],
    ['both of them', { sections: [{ sectionId: 'x', price: 1, capacity: 1, seats: ['A1'] }] }],
    ['the same seat twice', { sections: [{ sectionId: 'x', price: 1, seats: ['A1', 'A1'] }] }],
    ['an end before its beginning', { closesAt: '2025-01-01T00:00:00Z' }],
    ['a draw before its queue', { queue: { opensAt: '2026-01-02T00:00:00Z', drawAt: '2026-01-01T00:00:00Z' } }],
    ['more than all sums can hold', { sections: [{ sectionId: 'x', price: 1e12, capacity: 11, seats: [] }] }],
  ])('%s is refused with its field', async (_, more) => expect(await made(more)).toBe('validation_failed'));

  test('a waiting room begins and is drawn before its sale ends, also where a change moves the end', async () => {
    const closesAt = '2026-02-01T00:00:00Z';
    const room = (queue: object): object => ({ closesAt, queue });
    const fields = async (call: Promise<unknown>): Promise<unknown> => {
      const error = await call.then(
        () => undefined,
        (refused: AppError) => refused,
      );
      return [error?.code, error?.details.fields?.map(({ field }) => field)];
    };
    const makes = (more: object): Promise<unknown> => fields(newSale(office, more));
    expect(await makes(room({ drawAt: closesAt }))).toEqual(['validation_failed', ['queue.drawAt']]);
    expect(await makes(room({ opensAt: '2026-03-01T00:00:00Z' }))).toEqual(['validation_failed', ['queue.opensAt']]);
    const saleId = await newSale(office, room({ opensAt: '2026-01-10T00:00:00Z', drawAt: '2026-01-20T00:00:00Z' }));
    const moved = (to: string): Promise<unknown> => fields(update({ saleId, closesAt: to, sections: [] }));
    for (const to of ['2026-01-10T00:00:00Z', '2026-01-20T00:00:00Z'])
      expect(await moved(to)).toEqual(['validation_failed', ['closesAt']]);
    expect(await moved('2026-01-20T00:00:01Z')).toEqual([undefined, undefined]);
  });

  test('what a change may not say is refused with its field', async () => {
    const saleId = await newSale(office);
    const sections: [] = [];
    expect(await codeOf(update({ saleId, closesAt: '2025-01-01T00:00:00Z', sections }))).toBe('validation_failed');
    const wrong = [
      { sectionId: 'seats', capacity: 9, seats: [] },
      { sectionId: 'floor', seats: ['A1'] },
      { sectionId: 'floor', capacity: 1_000_000_000_000, seats: [] },
    ];
    for (const section of wrong)
      expect(await codeOf(update({ saleId, sections: [section] }))).toBe('validation_failed');
    expect(await codeOf(update({ saleId: 'no-such-sale', sections }))).toBe('sale_not_found');
    const roof = { sectionId: 'roof', capacity: 1, seats: [] };
    expect(await codeOf(update({ saleId, sections: [roof] }))).toBe('section_not_found');
  });

  test('20,000 seats are made, listed and sold', async () => {
    const seats = Array.from({ length: 20_000 }, (_, i) => `r${i}`);
    const saleId = await newSale(office, { sections: [{ sectionId: 'arena', price: 1, seats }] });
    const listed: string[] = [];
    let pageToken = '';
    do {
      const asked = { saleId, sectionId: 'arena', pageSize: 1000, ...(pageToken !== '' && { pageToken }) };
      const page = await office.service.getAvailability(asked);
      listed.push(...page.seats.map(({ seatId }) => seatId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(listed).toEqual([...seats].sort());
    expect(await codeOf(hold(office, 'ada', saleId, ['r19999'], { section: 'arena' }))).toBe('ok');
    expect((await office.audit(saleId)).ok).toBe(true);
  });
});
