import type { Route } from 'playwright-core';
import { eventually } from '../../support/eventually';
import { cheat, openSale } from './happenings';
import { internal, Operator, welcomeOperators } from './operators';

// What the console shows is true also where something else than Aerie answers, or nobody does.

const login = '<!doctype html><h1>Who are you?</h1>';
const strange = /^Something else than Aerie answers/;

welcomeOperators(async (started) => {
  await cheat(started, 'cheater-1');
  await openSale(started, 'grand-final');
});

test.each([
  ['a proxy whose server is dead', { status: 502, body: '<h1>Bad gateway</h1>' }, strange],
  ['a proxy that wants a login', { status: 200, body: login }, strange],
  ['a door that lets nobody through', { status: 401, body: login }, strange],
  ['another program', { status: 200, body: '{"hello":"world"}' }, strange],
  [
    'a server whose database is away',
    { status: 503, body: '{"code":"unavailable"}' },
    /^The server cannot say how it is/,
  ],
])('the numbers are marked as old when %s answers, until the server does again', async (_who, answer, words) => {
  const one = await Operator.stillAt('overview');
  const tile = one.page.locator('.tiles li').first();
  const age = /^As of .*: the server has not said since how it is\.$/;
  expect(await tile.textContent()).toBe('This process ready');
  expect(await one.page.getByText(age).count()).toBe(0);
  await one.page.route('**/console/stats', (route) => route.fulfill(answer));
  await one.look();
  await one.page.getByRole('status').getByText(words).waitFor();
  await one.page.getByText(age).waitFor();
  expect(await tile.textContent()).toBe('This process does not answer');
  await one.go('System');
  await one.page.getByText(age).waitFor();
  await one.go('Overview');
  await one.page.unrouteAll({ behavior: 'wait' });
  await one.look();
  await one.page.getByText(age).waitFor({ state: 'detached' });
  expect(await tile.textContent()).toBe('This process ready');
  expect(await one.page.locator('p.network').textContent()).toBe('');
});

test('a server that something else answers for when the page is opened is waited for', async () => {
  const one = await Operator.come();
  await one.stopTime();
  await one.page.route('**/console/stats', (route) => route.fulfill({ status: 200, body: login }));
  await one.page.reload();
  await one.page.getByRole('status').getByText(strange).waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
  await one.look();
  await one.heading('Sign in').waitFor();
  expect(await one.page.locator('p.network').textContent()).toBe('');
});

/** Answers as another process would. */
async function asDead(route: Route): Promise<void> {
  const stats = await (await route.fetch()).json();
  await route.fulfill({ json: { ...stats, processId: 'dead', process: 'dead-host/1', status: 'not_ready' } });
}

test('after a restart the numbers are soon those of the process that answers, and no other is offered', async () => {
  const one = await Operator.come();
  await one.stopTime();
  await one.page.route('**/console/stats', asDead);
  await one.signIn();
  await one.page.getByText('dead-host/1').waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
  await one.look();
  // It may be one of several behind a balancer.
  await one.page.getByRole('combobox', { name: /several answer at this address/ }).waitFor();
  for (let i = 0; i < 2; i += 1) await one.look();
  await one.page.getByText(/^Numbers of the process/).waitFor();
  expect(await one.page.locator('main select').count()).toBe(0);
  expect(await one.page.locator('main').textContent()).not.toContain('dead-host');
  expect(await one.page.locator('.tiles li').first().textContent()).toBe('This process ready');
});

test('of several that answer in turn none is held to be silent, and the one that was chosen comes back', async () => {
  const one = await Operator.come();
  const shown = `import('/console/history.js').then(({ History }) => {
    const history = new History();
    let at = 0;
    const answer = (...ids) => ids.forEach((id) => {
      at += 3000;
      history.add({ processId: id, process: id, asOf: new Date(at).toISOString() }, at);
    });
    const now = () => [history.shown, history.processes.map(([id]) => id).join('')];
    const all = [];
    for (let i = 0; i < 20; i += 1) {
      answer('a', 'b', 'c', 'd');
      all.push(now().join());
    }
    history.chosen = 'b';
    answer('a', 'c', 'd', 'a', 'c', 'd', 'a', 'c', 'd');
    const gone = now();
    answer('b');
    return [[...new Set(all)], gone, now()];
  })`;
  expect(await one.page.evaluate(shown)).toEqual([['a,abcd'], ['d', 'acd'], ['b', 'abcd']]);
});

test('what is no answer of Aerie is said not to be one, in every view', async () => {
  const one = await Operator.at('overview');
  let body = login;
  await one.page.route(
    ({ pathname }) => !pathname.startsWith('/console'),
    (route) => route.fulfill({ body, contentType: 'text/html' }),
  );
  for (const hash of [
    ...['flags', 'blocks', 'letters', 'rules', 'sales', 'sales/grand-final', 'player/cheater-1', 'system', 'overview'],
  ])
    for (const answer of [login, '', 'null', '[]', '7']) {
      body = answer;
      await one.page.evaluate("location.hash = 'flags'");
      await one.heading('Flags').waitFor();
      await one.page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
      await one.problem.first().waitFor();
      await eventually(async () => expect(await one.page.locator('[aria-busy=true]').count()).toBe(0));
      expect([hash, answer, await one.problem.first().textContent()]).toEqual([
        hash,
        answer,
        expect.stringMatching(/Something else than Aerie has answered/),
      ]);
    }
  await one.page.unrouteAll({ behavior: 'wait' });
});

test.each(['비밀번호', `${internal}é`, `bell\u0007${internal}`, `two words`])(
  'a secret that no header can carry is refused beside its field, before anything is sent: %j',
  async (secret) => {
    const one = await Operator.come();
    await one.heading('Sign in').waitFor();
    const asked: string[] = [];
    one.page.on('request', (request) => asked.push(request.url()));
    const field = one.page.getByLabel('Internal secret (INTERNAL_API_SECRET)');
    await field.fill(secret);
    await one.button('Sign in').click();
    await one.page.locator('.field').getByText('A secret has only visible ASCII letters').waitFor();
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    expect([asked, await one.problem.count(), await one.page.locator('p.network').textContent()]).toEqual([[], 0, '']);
    await one.signIn();
  },
);

test('whoever is signed out is told once that nobody answers, and nothing of commands', async () => {
  const one = await Operator.come();
  await one.heading('Sign in').waitFor();
  await one.page.route('**/console/stats', (route) => route.abort());
  await one.page.getByLabel('Internal secret (INTERNAL_API_SECRET)').fill(internal);
  await one.button('Sign in').click();
  await one.problem.waitFor();
  expect((await one.problem.textContent())?.trim()).toBe('The server cannot be reached.');
  expect(await one.page.locator('p.network').textContent()).toBe('');
  await one.page.unrouteAll({ behavior: 'wait' });
  await one.signIn();
});

test('a read that nobody answers has no words about commands', async () => {
  const one = await Operator.stillAt('overview');
  await one.page.route('**/fairness/flags*', (route) => route.abort());
  await one.go('Flags');
  await one.problem.waitFor();
  expect(await one.problem.textContent()).toContain('The server cannot be reached.');
  expect(await one.problem.textContent()).not.toContain('command');
  await one.page.unrouteAll({ behavior: 'wait' });
});
