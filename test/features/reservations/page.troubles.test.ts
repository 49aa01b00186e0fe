import { paymentsContract as payments } from '../../../src/features/payments/payments.api';
import { eventually } from '../../support/eventually';
import { startRedis } from '../../support/redis';
import { openApp } from '../../support/wires';
import { app, browser, database, here, open, welcomeVisitors } from './visiting';
import { as, bearer, openSale, operator, settings, Visitor } from './visitors';

// The page of a sale when something is in its way: a reload, streams that are refused, answers that are lost, a clock that
// is wrong, a server that runs only a part, a sale that is none.

welcomeVisitors();

const queue = { activePlaces: 1, readySeconds: 600, grantSeconds: 600 };

test('a reload keeps who it is, the place in the line, the turn, the hold and the ticket', async () => {
  const saleId = await openSale(app, { queue });
  const ada = await open(saleId);
  await ada.register();
  await ada.button('Join the line').click();
  await ada.button('Enter the sale').waitFor();
  const bob = await open(saleId);
  await bob.register('Bob');
  await bob.button('Join the line').click();
  await bob.page.locator('#line-number').getByText('2', { exact: true }).waitFor();
  await bob.page.reload();
  await bob.page.locator('#line-number').getByText('2', { exact: true }).waitFor();
  await ada.page.reload();
  await ada.button('Enter the sale').click();
  await ada.heading('Choose').waitFor();
  await ada.page.reload();
  await ada.choose('floor', 1);
  await ada.reserve();
  await ada.button(/^Pay/).click();
  await ada.button(/now$/).waitFor();
  await ada.page.reload();
  await ada.button('Pay €49.00 now').click();
  await ada.heading('Your ticket').waitFor();
  await ada.page.reload();
  await ada.heading('Your ticket').waitFor();
  expect(await ada.reservations(saleId)).toHaveLength(1);
});

test('where streams are refused the page asks, as often as it is told to', async () => {
  const saleId = await openSale(app, { queue });
  const [ada, bob] = [await open(saleId), await open(saleId)];
  const polls: string[] = [];
  await bob.page.route(/\/(queue|reservations\/\w+)\/stream/, (route) => {
    polls.push('refused');
    return route.fulfill({ status: 429, json: { code: 'rate_limited', message: 'Too many' } });
  });
  bob.page.on('response', (answer) => {
    const [, what] = /\/(queue\/status|reservations\/\w{26})(\?|$)/.exec(answer.url()) ?? [];
    if (what) polls.push(what.replace(/\/\w{26}/, ''));
  });
  await ada.register();
  await ada.button('Join the line').click();
  await ada.button('Enter the sale').waitFor();
  await bob.register('Bob');
  await bob.button('Join the line').click();
  await bob.page.getByText('ahead of you').first().waitFor();
  await ada.button('Leave the line').click();
  await ada.page.getByText('You have left the line. You can join again, at its end.').first().waitFor();
  await bob.button('Enter the sale').click();
  await bob.choose('floor', 1);
  await bob.reserve();
  await bob.button(/^Pay/).click();
  await bob.button(/now$/).click();
  await bob.heading('Your ticket').waitFor();
  const count = (what: string): number => polls.filter((one) => one === what).length;
  expect(count('refused')).toBeGreaterThanOrEqual(2);
  expect([count('queue/status') > 1, count('reservations') > 1]).toEqual([true, true]);
});

test('an answer to a reservation that was lost is asked for again with the same key, and there is one reservation', async () => {
  const saleId = await openSale(app);
  const ada = await open(saleId);
  await ada.register();
  const keys: (string | undefined)[] = [];
  await ada.page.route('**/reservations', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    const answer = await route.fetch();
    expect(answer.status()).toBe(201);
    // The server has done it, and nobody hears of it.
    await (keys.length === 1 ? route.abort('connectionreset') : route.fulfill({ response: answer }));
  });
  await ada.choose('floor', 2);
  await ada.reserve();
  await ada.heading('Held for you').waitFor();
  expect([keys.length, new Set(keys).size, keys[0]?.length]).toEqual([2, 1, 32]);
  expect(await ada.reservations(saleId)).toHaveLength(1);
});

test('a network that is gone is said, and goes on where it was when it is back', async () => {
  const saleId = await openSale(app);
  const ada = await open(saleId);
  await ada.register();
  await ada.choose('floor', 2);
  await ada.page.context().setOffline(true);
  await ada.reserve();
  await ada.page.getByRole('status').getByText('The server does not answer. Trying again; nothing is lost.').waitFor();
  await ada.page.context().setOffline(false);
  await ada.heading('Held for you').waitFor();
  await eventually(async () => expect(await ada.page.locator('#network').isVisible()).toBe(false));
  expect(await ada.reservations(saleId)).toHaveLength(1);
});

test('what is refused is said in words that tell what to do', async () => {
  const saleId = await openSale(app, { maxPerUser: 4, maxPerReservation: 3 });
  const ada = await open(saleId);
  await ada.register();
  await ada.choose('floor', 5);
  await ada.said.getByText('One reservation can have 3. Choose fewer.').waitFor();
  expect(await ada.quantity('floor').inputValue()).toBe('3');
  await as(app, operator, 'setSaleState', {
    saleId,
    state: 'paused',
  });
  await ada.reserve();
  await ada.said.getByText('The sale is paused. Nothing is lost: try again when it goes on.').waitFor();
  await as(app, operator, 'setSaleState', { saleId, state: 'open' });
  await ada.reserve();
  await ada.button('Pay €147.00').click();
  await ada.button('Pay €147.00 now').click();
  await ada.button('Get more').click();
  await ada.choose('floor', 2);
  await ada.reserve();
  await ada.said.getByText('One person can have 4 of this sale, with what you hold or have bought.').waitFor();
  await as(app, operator, 'setSaleState', { saleId, state: 'closed' });
  await ada.heading('The sale is over').waitFor();
});

test('a clock of the browser that is an hour wrong is corrected', async () => {
  const saleId = await openSale(app, { opensAt: new Date(Date.now() + 3600_000).toISOString() });
  const context = await browser.newContext();
  await context.addInitScript(`
    const [late, now] = [performance.timeOrigin - 3600e3, Date.now];
    Object.defineProperty(performance, 'timeOrigin', { value: late });
    Date.now = () => now() - 3600e3;
  `);
  const ada = new Visitor(await context.newPage(), app);
  here.push(ada);
  await ada.page.goto(`${app.url}/drops/${saleId}`);
  await ada.page.getByText(/, in (1:00:00|59:\d\d|58:\d\d)$/).waitFor();
});

test('a server without waiting rooms, or without payments, says so; nothing breaks', async () => {
  await using redis = await startRedis();
  const news = { BUS_KIND: 'redis', REDIS_URL: redis.url };
  await using part = await openApp(database.url, { ...settings, ...news, MODULES: 'users,auth,reservations' });
  const ada = await open(await openSale(part, { queue }), {}, part.url);
  await ada.register();
  await ada.button('Join the line').click();
  await ada.page.getByText('This sale has a waiting room, and this server does not run it.').waitFor();
  const bob = await open(await openSale(part), {}, part.url);
  await bob.register('Bob');
  await bob.choose('floor', 1);
  await bob.reserve();
  await bob.page.getByText('Nobody can pay at this server: it runs without payments.').waitFor();
  await bob.button('Give it back').click();
  await bob.heading('Choose').waitFor();
});

test('where another provider takes the money the page says where to go on, and the ticket comes by itself', async () => {
  const saleId = await openSale(app);
  const ada = await open(saleId);
  await ada.register();
  // As with Stripe, which has no simulator's scenarios, and wants its own form.
  await ada.page.route('**/payments', async (route) => {
    const answer = await route.fetch();
    const payment = (await answer.json()) as object;
    await route.fulfill({ response: answer, json: { ...payment, provider: 'stripe', clientSecret: 'pi_1_secret_2' } });
  });
  await ada.choose('floor', 1);
  await ada.reserve();
  await ada.button('Pay €49.00').click();
  const told = ada.page.getByRole('status').getByText(/^Go on in the checkout of the game: it pays the payment/);
  const [paymentId] = /[0-9A-Z]{26}/.exec(String(await told.textContent())) ?? [];
  expect(await ada.page.getByLabel('Test payment').isVisible()).toBe(false);
  expect(await ada.page.content()).not.toContain('pi_1_secret_2');
  const token = await ada.page.evaluate<string>("JSON.parse(sessionStorage.getItem('aerie-session')).token");
  const process = { id: paymentId, method: 'approve' };
  const headers = { ...bearer(token), 'idempotency-key': 'elsewhere' };
  expect((await app.http.call(payments, 'processPayment', process, headers)).code).toBe('ok');
  await ada.heading('Your ticket').waitFor();
});

test.each(['nothing-here', 'NO_SALE', 'a'])('%s is no sale, and the page says so', async (saleId) => {
  const ada = await open(saleId);
  await ada.heading('There is no such sale').waitFor();
});

test('who is logged out logs in again, and is where they were', async () => {
  const saleId = await openSale(app);
  const ada = await open(saleId);
  await ada.register();
  await ada.choose('floor', 1);
  await ada.reserve();
  await ada.heading('Held for you').waitFor();
  await ada.button('Log out').click();
  await ada.page.getByRole('textbox', { name: 'E-mail address' }).fill(ada.email);
  await ada.page.getByRole('textbox', { name: 'Password' }).fill('wrong');
  await ada.button('Log in').click();
  await ada.page.getByRole('alert').getByText('E-mail address or password is wrong').waitFor();
  expect(await ada.page.locator(':focus').getAttribute('id')).toBe('account-password');
  await ada.page.getByRole('textbox', { name: 'Password' }).fill('correct horse');
  await ada.button('Log in').click();
  await ada.heading('Held for you').waitFor();
});
