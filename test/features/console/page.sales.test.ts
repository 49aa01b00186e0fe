import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { ask, openSale } from './happenings';
import { app, Operator, welcomeOperators } from './operators';

// Sales at the console, and the system that they run on.

welcomeOperators();

/** The cells of a section's row. */
async function cells(one: Operator, part: string, section: string): Promise<string[]> {
  const row = one.part(part).getByRole('row', { name: new RegExp(`^${section}`) });
  return (await row.getByRole('cell').locator('.value').allTextContents()).map((text) => text.trim());
}

test('a sale is found in the list, paused, opened again and closed for ever, each after a question', async () => {
  await openSale(app, 'state-sale');
  const one = await Operator.at('sales');
  await one.page.getByRole('link', { name: 'state-sale' }).click();
  const about = one.part('The sale');
  const ways = [
    ['Pause', 'Nobody can reserve until it is opened again.', 'state-sale is paused.', 'paused'],
    ['Open', 'Everybody can reserve again at once.', 'state-sale is open.', 'open'],
    ['Close for ever', 'A closed sale can never be opened again.', 'state-sale is closed.', 'closed'],
  ] as const;
  for (const [button, text, said, state] of ways) {
    await about.getByRole('button', { name: button }).click();
    await one.dialog.getByText(text).waitFor();
    await one.dialog.getByRole('button', { name: button }).click();
    await one.said.getByText(said).waitFor();
    await about.getByText(state, { exact: true }).waitFor();
    expect((await ask(app, reservations, 'getSale', { saleId: 'state-sale' })).body.state).toBe(state);
  }
  expect(await about.getByRole('button').count()).toBe(0);
  expect(await one.page.title()).toBe('state-sale - Sales - Aerie console');
});

test('seats and places are kept back and released, and both audits say that everything adds up', async () => {
  await openSale(app, 'seat-sale');
  const one = await Operator.at('sales/seat-sale');
  const act = async (button: string, field: string, value: string, done: string): Promise<void> => {
    await one.button(button).click();
    await one.dialog.getByLabel(field).fill(value);
    await one.dialog.getByRole('button', { name: button.startsWith('Keep') ? 'Keep back' : 'Release' }).click();
    await one.said.getByText(done).waitFor();
  };
  await one.button('Show the seats of box').click();
  await act('Keep seats of box back', 'Seats', 'A1, A3', 'box: 1 available, 2 kept back.');
  await one.part('Seats of box').getByRole('listitem').filter({ hasText: 'A3 kept back' }).waitFor();
  await act('Keep seats of floor back', 'How many', '4', 'floor: 6 available, 4 kept back.');
  await act('Release seats of box', 'Seats', 'A3', 'box: 2 available, 1 kept back.');
  await one
    .part('What is left')
    .getByRole('row', { name: /^box .* 2 0 0 1/ })
    .waitFor();
  expect((await cells(one, 'What is left', 'floor')).slice(0, 7)).toEqual([
    'floor',
    '€49.00',
    '10',
    '6',
    '0',
    '0',
    '4',
  ]);
  await one
    .part('Audit of seats')
    .getByRole('row', { name: /^box 3 2 0 0 1/ })
    .waitFor();
  for (const audit of ['Audit of seats', 'Audit of money'])
    await one.part(audit).getByText('everything adds up').waitFor();
  await one.part('Waiting room').getByText('places').waitFor();
  await one.button('Keep seats of box back').click();
  await one.dialog.getByLabel('Seats').fill('nowhere');
  await one.dialog.getByRole('button', { name: 'Keep back' }).click();
  await one.dialog.getByRole('alert').waitFor();
});

test('an audit that finds something says what, and what to do', async () => {
  await openSale(app, 'audited-sale', { queue: undefined });
  const one = await Operator.at('overview');
  const violations = [{ kind: 'sum', sectionId: 'box', message: 'box: 4 of 3 <b>seats</b>' }];
  const body = JSON.stringify({ ok: false, sections: [], violations });
  await one.page.route('**/sales/audited-sale/audit', (route) => route.fulfill({ body }));
  await one.page.evaluate("location.hash = 'sales/audited-sale'");
  const audit = one.part('Audit of seats');
  await audit.getByText('something does not add up').waitFor();
  expect(await audit.textContent()).toContain('box: 4 of 3 <b>seats</b>');
  await audit.getByText(/^Pause the sale/).waitFor();
  await one.part('Waiting room').getByText('This sale has no waiting room.').waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});

test('a sale that nobody knows is said not to be there', async () => {
  const one = await Operator.at('sales/no-such-sale');
  await one.part('The sale').getByText('There is no such sale.').waitFor();
});

test('the system: what runs where, and how it is', async () => {
  const one = await Operator.at('system');
  const processes = one.page.getByRole('table', { name: 'Processes' });
  const row = processes.getByRole('row').nth(1);
  await row.getByText('users, auth, events-gateway').waitFor();
  expect(await row.textContent()).toContain('ready');
  await one.page
    .getByRole('table', { name: 'Readiness of this process' })
    .getByRole('row', { name: /^database healthy/ })
    .waitFor();
  await one.page
    .getByRole('table', { name: 'Consumers' })
    .getByRole('row', { name: /^leaderboard/ })
    .waitFor();
  await one.page.getByText('Every feature runs in the process that asks it.').waitFor();
  const silent = [{ address: 'grpc://friends-0:9090', reason: 'nobody answers', features: ['chat'] }];
  const circuits = [{ dependency: 'chat', address: 'friends-0:9090', state: 'open' }];
  await one.page.route('**/processes', async (route) => {
    const answer = await (await route.fetch()).json();
    Object.assign(answer.processes[0], { circuits });
    await route.fulfill({ json: { ...answer, silent } });
  });
  await one.button('Ask again').click();
  await one.page.getByRole('table', { name: 'Addresses that do not answer' }).getByText('nobody answers').waitFor();
  await one.page.getByRole('table', { name: 'Breakers' }).getByText('open: left alone').waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});
