import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { ask, cheat, openSale, play } from './happenings';
import { account, app, Operator, welcomeOperators } from './operators';

// What the console lists is as old as it says, and of a name that nobody has it lists nothing.

welcomeOperators(async (started) => {
  await cheat(started, 'cheater-1');
  await openSale(started, 'grand-final');
});

test.each([
  ['flags', /^\/fairness\/flags$/],
  ['blocks', /^\/fairness\/blocks$/],
  ['letters', /^\/events\/dead-letters$/],
  ['rules', /^\/fairness\/rules$/],
  ['sales', /^\/sales$/],
  ['sales/grand-final', /^\/sales\/grand-final\/availability$/],
  ['player/cheater-1', /^\/players\/cheater-1\/rewards$/],
  ['system', /^\/processes$/],
  ['overview', /^\/leaderboard\/snapshots$/],
] as const)('%s says how old it is, and is asked for again', async (hash, path) => {
  const one = await Operator.stillAt(hash);
  await one.page.getByText(/^As of 1 Jan 2030, 12:00:00/).waitFor();
  await one.page.clock.runFor(1000);
  const asked = one.page.waitForResponse((answer) => path.test(new URL(answer.url()).pathname));
  await one.button('Ask again').click();
  await asked;
  await one.page.getByText(/^As of 1 Jan 2030, 12:00:01/).waitFor();
  expect(await one.page.getByText(/^As of 1 Jan 2030, 12:00:00/).count()).toBe(0);
});

/** Answers calls of a path with what it is told; counts them. */
async function answering(one: Operator, path: string, answer: object): Promise<{ answer: object; calls: number }> {
  const told = { answer, calls: 0 };
  await one.page.route(path, async (route) => {
    told.calls += 1;
    await route.fulfill({ json: told.answer });
  });
  return told;
}

const blockedAt = '2020-01-01T00:00:00.000Z';

test('a dead letter that is tried again is looked after until it has left the list; others stand still', async () => {
  const one = await Operator.stillAt('flags');
  const letter = {
    id: '1',
    eventId: 'evt-1',
    type: 'progression',
    playerId: 'p',
    consumer: 'progression',
    reason: 'r',
  };
  const letters = await answering(one, '**/events/dead-letters*', {
    deadLetters: [{ ...letter, parkedAt: blockedAt }],
    nextPageToken: '',
  });
  await one.go('Dead letters');
  await one.row('evt-1').getByText('given up', { exact: true }).waitFor();
  await one.look();
  await one.look();
  expect(letters.calls).toBe(1);
  letters.answer = {
    deadLetters: [{ ...letter, parkedAt: blockedAt, redrivenAt: blockedAt }],
    nextPageToken: '',
  };
  await one.button('Ask again').click();
  await one.row('evt-1').getByText('being tried again').waitFor();
  letters.answer = { deadLetters: [], nextPageToken: '' };
  await one.look();
  await one.page.getByText('No dead letters.').waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});

test('a block that has run out does not stay, in the list and with its player', async () => {
  const one = await Operator.stillAt('flags');
  const block = { playerId: 'brief-1', rule: 'manual', reason: 'rude', blockedAt };
  const blocks = await answering(one, '**/fairness/blocks*', {
    blocks: [{ ...block, blockedUntil: '2099-01-01T00:00:00.000Z' }],
    nextPageToken: '',
  });
  await one.go('Blocks');
  await one.row('brief-1').waitFor();
  await one.look();
  await one.look();
  expect(blocks.calls).toBe(1);
  // By the clock of the server it is over.
  blocks.answer = { blocks: [{ ...block, blockedUntil: blockedAt }], nextPageToken: '' };
  await one.button('Ask again').click();
  await one.row('brief-1').getByText('2020', { exact: false }).first().waitFor();
  blocks.answer = { blocks: [], nextPageToken: '' };
  await one.look();
  await one.page.getByText('Nobody is blocked.').waitFor();
  const standing = { playerId: 'cheater-1', strikes: 0, flags: 1, blocked: true, blockedUntil: blockedAt };
  const player = await answering(one, '**/fairness/players/cheater-1', standing);
  await one.page.evaluate("location.hash = 'player/cheater-1'");
  await one.part('Fairness').getByText('blocked', { exact: true }).waitFor();
  player.answer = { ...standing, blocked: false };
  await one.look();
  await one.part('Fairness').getByText('let in').waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});

test('a name that nobody has is said to be nobody, an address that no account has as well, and nothing is offered', async () => {
  const one = await Operator.at('player');
  for (const [text, words] of [
    ['nobody-at-all', /^Nobody of this name is known: no account, no progress/],
    ['01ARZ3NDEKTSV4RRFFQ69G5FAV', /^Nobody of this name is known/],
    ['x'.repeat(200), /^Nobody of this name is known/],
    ['nobody@example.com', /^No account has this address/],
    ['.', /^Nobody of this name is known/],
    ['..', /^Nobody of this name is known/],
  ] as const) {
    const asked: string[] = [];
    const listen = (request: { url(): string }): number => asked.push(new URL(request.url()).pathname);
    one.page.on('request', listen);
    await one.page.getByRole('textbox', { name: /^Player or user id/ }).fill(text);
    await one.button('Show').click();
    await one.page.locator('main .subject').getByText(text, { exact: true }).waitFor();
    await one.page.getByText(words).waitFor();
    expect([text, await one.button('Block').count(), await one.page.getByRole('region').count()]).toEqual([text, 0, 0]);
    expect(await one.problem.count()).toBe(0);
    one.page.off('request', listen);
    // Never a call of another name.
    const ways = ['/console/stats', '/events', '/events/head', '/users', `/users/${text}`];
    const own = [`/players/${encodeURIComponent(text)}/progress`, `/fairness/players/${encodeURIComponent(text)}`];
    const known = [...ways, ...(text.startsWith('.') ? [] : own)];
    expect([text, asked.filter((path) => !known.includes(path))]).toEqual([text, []]);
  }
});

test('whom only a block, only an account or only an event knows has a sheet; it says how many events were looked through', async () => {
  const { id } = await account('player', 'Grace Hopper');
  await ask(app, fairness, 'blockPlayer', { playerId: 'blocked-1', seconds: 600, reason: 'rude' });
  await play(app, 'event@1');
  const one = await Operator.at(`player/${id}`);
  await one.part('Account').getByText('Grace Hopper').waitFor();
  await one.page.evaluate("location.hash = 'player/blocked-1'");
  await one.part('Fairness').getByText('blocked', { exact: true }).waitFor();
  // What consumers have made of an event is not there at once.
  await one.page.route('**/players/event%401/**', (route) =>
    route.fulfill({ status: 404, json: { code: 'player_not_found' } }),
  );
  const answer = one.page.waitForResponse((each) => new URL(each.url()).pathname === '/events');
  await one.page.evaluate("location.hash = 'player/event%401'");
  const { events } = await (await answer).json();
  expect(events.length).toBeLessThan(1000);
  await one
    .part('Recent events')
    .getByText(`The last ${events.length} events of all players were looked through; 1 are this player's.`)
    .waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});

test.each(['nope', '.', '..'])(
  'of a sale %j that there is not it is said once, and no other call is made',
  async (id) => {
    const one = await Operator.at('overview');
    const asked: string[] = [];
    one.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await one.page.evaluate(`location.hash = 'sales/${id}'`);
    await one.part('The sale').getByText('There is no such sale.').waitFor();
    expect(await one.page.getByText('There is no such sale.').count()).toBe(1);
    expect([await one.page.getByRole('region').count(), await one.problem.count()]).toEqual([1, 0]);
    expect(asked.filter((path) => path !== '/console/stats')).toEqual(id === 'nope' ? ['/sales/nope'] : []);
  },
);

test('whoever has a name that no address can have is not blocked in the place of somebody else', async () => {
  const one = await Operator.at('blocks');
  const sent: string[] = [];
  one.page.on('request', (request) => request.method() !== 'GET' && sent.push(request.url()));
  await one.button('Block a player').click();
  await one.dialog.getByLabel('Player id').fill('..');
  await one.dialog.getByLabel('Reason').fill('steps');
  await one.dialog.getByRole('button', { name: 'Block' }).click();
  await one.dialog.getByText('Nobody and nothing can have this name.').waitFor();
  expect(sent).toEqual([]);
});
