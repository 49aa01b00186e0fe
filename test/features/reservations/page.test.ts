import type { Browser } from 'playwright-core';
import { openBrowser } from '../../support/browser';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { openSale, settings, Visitor } from './visitors';

// People buy at the page of a sale, in a browser, from the real server.

let database: TestDatabase;
let app: TestApp;
let browser: Browser;
const here: Visitor[] = [];

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, settings);
  browser = await openBrowser();
});
afterEach(async () => {
  const problems = here.flatMap((visitor) => visitor.problems);
  await Promise.all(here.splice(0).map(({ page }) => page.context().close()));
  // Nothing that the page does is against its policy, and no script fails.
  expect(problems).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function open(saleId: string, options: Parameters<typeof Visitor.open>[3] = {}): Promise<Visitor> {
  const visitor = await Visitor.open(browser, app, saleId, options);
  here.push(visitor);
  return visitor;
}

test('without a waiting room: log in, choose a number, hold, pay, and there is a ticket', async () => {
  const saleId = await openSale(app);
  const ada = await open(saleId);
  await ada.heading('Grand final').waitFor();
  await ada.register();
  await ada.choose('floor', 2);
  await ada.reserve();
  await ada.heading('Held for you').waitFor();
  expect(await ada.page.locator('#hold-total').textContent()).toBe('€98.00');
  await ada.button('Pay €98.00').click();
  await ada.button('Pay €98.00 now').click();
  await ada.heading('Your ticket').waitFor();
  const [{ id, status, ticket } = { id: '', status: '', ticket: '' }] = await ada.reservations(saleId);
  expect(status).toBe('confirmed');
  await ada.page.getByRole('img', { name: `QR code of ticket ${id}` }).waitFor();
  await ada.page.getByText('Show it as text').click();
  await eventually(async () =>
    expect(await ada.page.getByRole('textbox', { name: `Ticket ${id} as text` }).inputValue()).toBe(ticket),
  );
});
