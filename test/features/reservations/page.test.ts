import { encode } from 'uqr';
import { queueContract } from '../../../src/features/queue/queue.api';
import { openAt } from '../../shared/db/fixtures';
import { eventually } from '../../support/eventually';
import { TimeTravel } from '../../support/time-travel';
import { app, database, open, welcomeVisitors } from './visiting';
import { as, openSale, operator, somebody, type Visitor } from './visitors';

// People buy at the page of a sale, in a browser, from the real server. Its time passes when the test says so, too.

const minute = 60_000;
const watchedMs = 6000;
welcomeVisitors();

/** Time passes while the room is looked after: what is longer without a round counts as an outage, in which nobody misses a turn. */
async function passWatched(time: TimeTravel, saleId: string, ms: number): Promise<void> {
  const text = 'SELECT tended_at AS at FROM queue_rooms WHERE sale_id = ?';
  await using db = await openAt(database.url);
  for (let left = ms; left > 0; left -= watchedMs) {
    const instant = after(Math.min(left, watchedMs));
    time.to(instant);
    await eventually(async () => {
      const [room] = await db.read((sql) => sql.rows<{ at: number }>(text, [saleId]));
      // Every two seconds, as long as there is anybody.
      expect(Number(room?.at)).toBeGreaterThanOrEqual(Date.parse(instant) - watchedMs / 2);
    });
  }
}

async function come(saleId: string, name = 'Ada'): Promise<Visitor> {
  const visitor = await open(saleId);
  await visitor.register(name);
  return visitor;
}

const after = (ms: number): string => new Date(Date.now() + ms).toISOString();

/** What is drawn, as rows of modules. */
function drawn(visitor: Visitor): Promise<string[]> {
  return visitor.page.locator('svg.qr').evaluate((svg) => {
    const [from = 0, , width = 0] = String(svg.getAttribute('viewBox')).split(' ').map(Number);
    const size = width + 2 * from;
    const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => ' '));
    const path = String(svg.querySelector('path')?.getAttribute('d'));
    for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) (rows[Number(y)] ?? [])[Number(x)] = '#';
    return rows.map((row) => row.join(''));
  });
}

test('without a waiting room: log in, choose a number, hold, pay, and there is a ticket', async () => {
  const saleId = await openSale(app);
  const ada = await come(saleId);
  await ada.choose('floor', 2);
  await ada.reserve();
  await ada.heading('Held for you').waitFor();
  expect(await ada.page.locator('#hold-total').textContent()).toBe('€98.00');
  await ada.button('Pay €98.00').click();
  await ada.button('Pay €98.00 now').click();
  await ada.heading('Your ticket').waitFor();
  const [{ id, status, ticket = '' } = { id: '', status: '' }] = await ada.reservations(saleId);
  expect(status).toBe('confirmed');
  await ada.page.getByRole('img', { name: `QR code of ticket ${id}` }).waitFor();
  const { data } = encode(ticket, { ecc: 'L', boostEcc: true, border: 0 });
  expect(await drawn(ada)).toEqual(data.map((row) => row.map((isDark) => (isDark ? '#' : ' ')).join('')));
  await ada.page.getByText('Show it as text').click();
  expect(await ada.page.getByRole('textbox', { name: `Ticket ${id} as text` }).inputValue()).toBe(ticket);
  const [file] = await Promise.all([
    ada.page.waitForEvent('download'),
    ada.button(`Save ticket ${id} as a file`).click(),
  ]);
  expect(file.suggestedFilename()).toBe(`ticket-${id}.jws.txt`);
});

test('a payment that is declined leaves the hold, and another one may pass', async () => {
  const ada = await come(await openSale(app, { currency: 'JPY' }));
  await ada.choose('floor', 1);
  await ada.reserve();
  await ada.button('Pay JP¥4,900').click();
  await ada.page.getByLabel('Test payment').selectOption('fail');
  await ada.button('Pay JP¥4,900 now').click();
  await ada.page
    .getByRole('status')
    .getByText(/^The payment was declined\. What you hold is still yours/)
    .waitFor();
  await ada.button('Try another payment').click();
  await ada.page.getByLabel('Test payment').selectOption('approve');
  await ada.button('Pay JP¥4,900 now').click();
  await ada.heading('Your ticket').waitFor();
});

test('with a waiting room: the draw is waited for, one is called, chooses a seat and buys; then the next', async () => {
  using time = new TimeTravel(after(0));
  const drawAt = after(10 * minute);
  const seats = ['A1', 'A2', 'A10', 'B1'];
  const queue = { activePlaces: 1, readySeconds: 600, grantSeconds: 600, silenceSeconds: 86_400, drawAt };
  const sections = [{ sectionId: 'box', price: 0, seats }];
  const saleId = await openSale(app, { opensAt: drawAt, queue, sections });
  const people = [await come(saleId, 'Ada'), await come(saleId, 'Bob')];
  for (const one of people) {
    await one.button('Join the line').click();
    await one.heading('Places are drawn in').waitFor();
    expect(await one.page.title()).toBe('Before the draw - Grand final - Aerie drops');
  }
  const [ada] = people as [Visitor];
  const link = await ada.page.getByRole('link', { name: 'See its commitment' }).getAttribute('href');
  expect(await (await fetch(String(link))).json()).toMatchObject({ saleId, drawn: false, joins: [] });
  // Who has not been seen lately is not called: both look once more, which holds for twenty seconds.
  time.to(new Date(Date.parse(drawAt) - 10_000).toISOString());
  await eventually(async () => {
    const { body } = await app.http.call(queueContract, 'getQueueStats', { saleId }, operator);
    expect(body.present).toBe(2);
  });
  time.to(new Date(Date.parse(drawAt) + 1000).toISOString());
  const called = ada.button('Enter the sale');
  const other = people[1]?.button('Enter the sale');
  await eventually(async () => expect(Number(await called.isVisible()) + Number(await other?.isVisible())).toBe(1));
  const order = (await called.isVisible()) ? people : people.reverse();
  const [first, second] = order as [Visitor, Visitor];
  expect(await first.page.title()).toBe('It is your turn! - Grand final - Aerie drops');
  expect(await first.page.getByRole('log').textContent()).toContain('It is your turn. Enter the sale now.');
  await eventually(async () => expect(await second.page.title()).toBe('1 ahead of you - Grand final - Aerie drops'));
  await second.page.getByRole('link', { name: 'Recompute it' }).waitFor();
  await first.button('Enter the sale').click();
  await first.seat('A2').click();
  const rows = first.page.getByRole('group', { name: /^Row / });
  expect(await rows.evaluateAll((all) => all.map(({ textContent }) => textContent))).toEqual(['A1210', 'B1']);
  await first.reserve();
  await first.button('Get the ticket').click();
  await first.heading('Your ticket').waitFor();
  await second.button('Enter the sale').click();
  await eventually(async () => expect(await second.seat('A2').getAttribute('aria-label')).toBe('A2, sold'));
});

test('who does not enter in time is called once more, then the place is gone, and the line can be joined again', async () => {
  using time = new TimeTravel(after(0));
  const saleId = await openSale(app, { queue: { activePlaces: 1, readySeconds: 30 } });
  const ada = await come(saleId);
  await ada.button('Join the line').click();
  for (let i = 0; i < 2; i += 1) {
    await ada.button('Enter the sale').waitFor();
    await passWatched(time, saleId, 31_000);
    await ada.page
      .getByText(/has passed unused|was not used in time/)
      .first()
      .waitFor();
  }
  await ada.page.getByText('Your place was not used in time, and has gone to somebody else.').first().waitFor();
  await ada.button('Join again').click();
  await ada.button('Enter the sale').waitFor();
});

test('a seat that somebody else takes meanwhile is marked, while choosing and when reserving', async () => {
  const sections = [{ sectionId: 'box', price: 100, seats: ['A1', 'A2', 'A3', 'A4'] }];
  const saleId = await openSale(app, { sections });
  const ada = await come(saleId);
  const bob = await somebody(app);
  const take = (seatId: string) =>
    as(app, bob, 'createReservation', { saleId, items: [{ sectionId: 'box', seatIds: [seatId] }] });
  for (const seat of ['A1', 'A2', 'A3']) await ada.seat(seat).click();
  expect(await ada.seat('A1').getAttribute('aria-label')).toBe('A1, chosen');
  expect((await take('A1')).code).toBe('ok');
  await ada.said.getByText('A1 was taken by somebody else just now. Choose others: nothing was reserved.').waitFor();
  expect(await ada.seat('A1').getAttribute('aria-label')).toBe('A1, taken just now');
  // From here on the page looks no more by itself.
  await ada.page.route('**/availability?sectionId=*', (route) => new Promise(() => route));
  expect((await take('A2')).code).toBe('ok');
  await ada.button('Reserve 2').click();
  await ada.said.getByText(/^A2 was taken by somebody else just now/).waitFor();
  expect(await ada.seat('A2').getAttribute('aria-disabled')).toBe('true');
  await ada.button('Reserve 1').click();
  await ada.heading('Held for you').waitFor();
  expect(await ada.page.locator('.seat-list').textContent()).toBe('A3');
});

test('a hold that runs out is said, and one can choose again; more time is given once', async () => {
  using time = new TimeTravel(after(0));
  const saleId = await openSale(app, { holdSeconds: 120 });
  const ada = await come(saleId);
  await ada.choose('floor', 1);
  await ada.reserve();
  await ada.button('One more minute').click();
  await eventually(async () => expect(await ada.button('One more minute').isVisible()).toBe(false));
  time.to(after(185_000));
  await ada.said.getByText('The time to pay has run out, and others can have it now. Nothing was charged.').waitFor();
  await ada.heading('Choose').waitFor();
  expect((await ada.reservations(saleId)).map(({ status, extended }) => [status, extended])).toEqual([
    ['expired', true],
  ]);
});

test('what is given back is free again, and a sale that opens later opens by itself', async () => {
  using time = new TimeTravel(after(0));
  const saleId = await openSale(app, { opensAt: after(10 * minute) });
  const ada = await come(saleId);
  await ada.heading('The sale opens in').waitFor();
  expect(await ada.page.getByRole('timer').first().textContent()).toMatch(/^(10:00|9:\d\d)$/);
  time.to(after(10 * minute));
  await ada.choose('floor', 3);
  await ada.reserve();
  await ada.button('Give it back').click();
  await ada.said.getByText('You have given it back. Nothing was charged.').waitFor();
  await ada.page.getByText('10 of 10 left').waitFor();
});
