import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import type { Flag, Rule } from '../../../src/generated/aerie/fairness/v1/fairness';
import { eventually } from '../../support/eventually';
import { ask, cheat, giveUp, play } from './happenings';
import { account, app, Operator, welcomeOperators } from './operators';

// Operators look at players, flags, blocks, dead letters and rules, and change them, in a browser, on the real server.

welcomeOperators();

test('charts follow what happens: in lines, and in numbers for whoever does not see them', async () => {
  const one = await Operator.at('overview');
  const accepted = one.page.getByRole('table', { name: 'Intake, in numbers' }).getByRole('row', { name: /^accepted/ });
  // The first event of this process may be the first of its kind.
  await play(app, 'overview-1');
  await accepted.waitFor();
  await play(app, 'overview-2');
  await eventually(async () => expect(await accepted.getByRole('cell').last().textContent()).not.toMatch(/^[0–]$/));
  const drawn = `[...document.querySelectorAll('.plot canvas')].map((canvas) =>
    canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((part) => part > 0))`;
  expect(await one.page.evaluate(drawn)).toEqual(Array(12).fill(true));
  const tiles = await one.page.locator('.tiles li').allTextContents();
  expect(tiles.map((text) => text.replace(/[\d.]+$/, '#'))).toEqual([
    ...['This process ready', 'Events a second #', 'Refused a second #', '5xx a second #', 'Events behind #'],
    ...['Events given up since it began #', 'Announcements given up, waiting now #'],
  ]);
});

test('a player: account, progress, rewards, ranks, standing, flags and events', async () => {
  const { email, id } = await account('player', 'Grace Hopper');
  for (let i = 0; i < 5; i += 1) await play(app, id, 900);
  const one = await Operator.at('player');
  await one.page.getByRole('textbox', { name: /^Player or user id/ }).fill(email);
  await one.button('Show').click();
  await one.part('Account').getByText('Grace Hopper').waitFor();
  expect(await one.part('Account').textContent()).toContain(email);
  await eventually(async () => {
    await one.page.reload();
    await one.signIn();
    await one.part('Progress').getByRole('definition').first().waitFor();
    expect(await one.part('Progress').getByRole('definition').allTextContents()).toEqual(
      expect.arrayContaining(['5', '4,500']),
    );
  });
  await one
    .part('Rewards')
    .getByRole('row', { name: /level-5/ })
    .waitFor();
  await one
    .part('Ranks')
    .getByRole('row', { name: /week 1 \/ \d+ 4,500/ })
    .waitFor();
  await one.part('Fairness').getByText('let in').waitFor();
  await one.part('Flags').getByText('No flags.').waitFor();
  await one.part('Recent events').getByText('; 5 are this player').waitFor();
  expect(await one.part('Recent events').getByRole('row').count()).toBe(6);
  expect(await one.page.title()).toBe(`${id} - Player - Aerie console`);
});

test('of whom nothing but a block is known each part says so, and none has an error', async () => {
  await ask(app, fairness, 'blockPlayer', { playerId: 'blocked-only', seconds: 600, reason: 'rude' });
  const one = await Operator.at('player/blocked-only');
  for (const text of ['No account has this id', 'No event of this player has counted yet.', 'no score', 'No flags.'])
    await one.page.getByText(text).first().waitFor();
  expect(await one.problem.count()).toBe(0);
});

test('a flag is judged after a question, and leaves those that are open', async () => {
  await cheat(app, 'flagged-1');
  const one = await Operator.at('flags');
  await one.page.getByRole('button', { name: 'False alarm: flag of flagged-1' }).click();
  await one.dialog.getByText('The verdict about flagged-1 (rule jump) is kept').waitFor();
  await one.dialog.getByRole('button', { name: 'Cancel' }).click();
  await one.row('flagged-1').waitFor();
  await one.page.getByRole('button', { name: 'False alarm: flag of flagged-1' }).click();
  await one.dialog.getByRole('button', { name: 'False alarm' }).click();
  await one.said.getByText('The flag is now: false alarm.').waitFor();
  await eventually(async () => expect(await one.row('flagged-1').count()).toBe(0));
  // What had the focus is gone.
  await eventually(async () => expect(await one.page.locator(':focus').textContent()).toBe('Flags'));
  await one.page.getByRole('combobox', { name: 'Verdict' }).selectOption('false alarm');
  await one.row('flagged-1').getByText('false alarm', { exact: true }).waitFor();
  const { body } = await ask(app, fairness, 'listFlags', { playerId: 'flagged-1' });
  expect((body.flags as Flag[]).map(({ verdict }) => verdict)).toEqual(['false_positive']);
});

test('a player is blocked with a reason and a time, and unblocked; an error names its field', async () => {
  const one = await Operator.at('blocks');
  const sent: string[] = [];
  one.page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(`${request.method()} ${request.headers()['idempotency-key']}`);
  });
  await one.button('Block a player').click();
  await one.dialog.getByText('Every event of the player is refused from now on').waitFor();
  await one.dialog.getByRole('textbox', { name: 'Player id' }).fill('rude-1');
  await one.dialog.getByRole('combobox', { name: 'For' }).selectOption('1 hour');
  await one.dialog.getByRole('textbox', { name: 'Reason' }).fill('x'.repeat(201));
  await one.dialog.getByRole('button', { name: 'Block' }).click();
  await one.dialog.getByText('must have at most 200 characters').first().waitFor();
  expect(await one.dialog.locator('.problem code').allTextContents()).toEqual(['reason']);
  expect(await one.dialog.getByRole('textbox', { name: 'Reason' }).getAttribute('aria-invalid')).toBe('true');
  await one.dialog.getByRole('textbox', { name: 'Reason' }).fill('rude words');
  await one.dialog.getByRole('button', { name: 'Block' }).click();
  await one.said.getByText(/^rude-1 is blocked until/).waitFor();
  const { body } = await ask(app, fairness, 'getPlayer', { playerId: 'rude-1' });
  expect(body).toMatchObject({ blocked: true, reason: 'rude words' });
  await one.button('Unblock rude-1').click();
  await one.dialog.getByRole('button', { name: 'Unblock' }).click();
  await one.said.getByText('rude-1 is no longer blocked.').waitFor();
  await one.page.getByText('rude-1', { exact: true }).waitFor({ state: 'detached' });
  // Each command had a key of its own.
  expect(sent).toEqual([
    expect.stringMatching(/^POST [0-9a-f]{32}$/),
    expect.stringMatching(/^POST [0-9a-f]{32}$/),
    expect.stringMatching(/^DELETE [0-9a-f]{32}$/),
  ]);
  expect(new Set(sent).size).toBe(3);
});

test('a command whose answer is lost has its effect once: it is sent again with the same key', async () => {
  await play(app, 'lost-1');
  const one = await Operator.at('player/lost-1');
  const keys: (string | undefined)[] = [];
  await one.page.route('**/fairness/players/lost-1/block', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    if (keys.length > 1) return await route.continue();
    await route.fetch();
    return await route.abort();
  });
  await one.part('Fairness').getByRole('button', { name: 'Block' }).click();
  await one.dialog.getByRole('textbox', { name: 'Reason' }).fill('once');
  await one.dialog.getByRole('button', { name: 'Block' }).click();
  await one.dialog.getByText('Nobody knows if a command has arrived').waitFor();
  await one.dialog.getByRole('button', { name: 'Try again' }).click();
  await one.part('Fairness').getByText('blocked', { exact: true }).waitFor();
  expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
});

test('a dead letter is redriven to its consumer, and leaves the list once it is applied', async () => {
  const id = await play(app, 'letter-1');
  await giveUp(app, id, 'xp would exceed 2^53-1');
  const one = await Operator.at('letters');
  await one.row(id).getByText('xp would exceed 2^53-1').waitFor();
  await one.button(`Redrive ${id}`).click();
  await one.dialog.getByText('It is handed to progression once more, and to no other.').waitFor();
  await one.dialog.getByRole('button', { name: 'Redrive' }).click();
  await one.said.getByText(`${id} was handed to progression again.`).waitFor();
  await eventually(async () => {
    await one.page.getByRole('combobox', { name: 'Consumer' }).selectOption('leaderboard');
    await one.page.getByText('No dead letters.').waitFor();
    await one.page.getByRole('combobox', { name: 'Consumer' }).selectOption('All');
    expect(await one.row(id).count()).toBe(0);
  });
});

async function ruleNow(id: string): Promise<Rule> {
  const { body } = await ask(app, fairness, 'listRules', {});
  return (body.rules as Rule[]).find((rule) => rule.id === id) as Rule;
}

test('a rule is changed after its changes were shown; what others have changed meanwhile is not overwritten', async () => {
  const one = await Operator.at('rules');
  const jump = one.part('jump');
  await jump.getByRole('combobox', { name: 'Mode' }).selectOption('shadow');
  await jump.getByText('The rule only counts what it would do.').waitFor();
  await jump.getByRole('textbox', { name: 'Most points of a drop' }).fill('20000');
  await jump.getByRole('button', { name: 'Change' }).click();
  const lines = await one.dialog.getByRole('paragraph').allTextContents();
  expect(lines.slice(1)).toEqual(['Mode: enforce → shadow', 'Most points of a drop: 10000 → 20000']);
  await ask(app, fairness, 'updateRule', { id: 'jump', thresholds: { blockSeconds: 700 } });
  await one.dialog.getByRole('button', { name: 'Change' }).click();
  await one.dialog.getByText(/^Somebody else has changed it meanwhile/).waitFor();
  expect(await ruleNow('jump')).toMatchObject({ mode: 'enforce', thresholds: { dropClaimedPoints: 10_000 } });
  await one.dialog.getByRole('button', { name: 'Cancel' }).click();
  // What it is now is there by itself.
  expect(await jump.getByRole('textbox', { name: 'Seconds of the block' }).inputValue()).toBe('700');
  await jump.getByRole('combobox', { name: 'Mode' }).selectOption('shadow');
  await jump.getByRole('button', { name: 'Change' }).click();
  await one.dialog.getByRole('button', { name: 'Change' }).click();
  await one.said.getByText('The rule jump is now version 3.').waitFor();
  expect(await ruleNow('jump')).toMatchObject({ mode: 'shadow', version: 3, thresholds: { blockSeconds: 700 } });
  // What it would do is counted while one looks.
  await play(app, 'shadowy-1', 250_000);
  await jump.getByRole('row', { name: /refused shadow 1/ }).waitFor();
});

test('a threshold that is no number is refused in words, with its name', async () => {
  const one = await Operator.at('rules');
  const flood = one.part('flood');
  await flood.getByRole('button', { name: 'Change' }).click();
  await one.said.getByText('Nothing is changed.').waitFor();
  await flood.getByRole('textbox', { name: 'Events within a second' }).fill('many');
  await flood.getByRole('button', { name: 'Change' }).click();
  await one.dialog.getByRole('button', { name: 'Change' }).click();
  await one.dialog.locator('.problem code').getByText('thresholds.maxEvents').waitFor();
});

test('a list is turned page by page, and what has the focus stays', async () => {
  for (let i = 0; i < 25; i += 1) {
    const playerId = `many-${String(i).padStart(2, '0')}`;
    await ask(app, fairness, 'blockPlayer', { playerId, seconds: 600, reason: 'many' });
  }
  const one = await Operator.at('blocks');
  const many = async () => (await one.page.getByRole('link', { name: /^many-/ }).allTextContents()).length;
  await one.button('Next page').waitFor();
  const first = await many();
  await one.button('Next page').press('Enter');
  await one.page.getByRole('group', { name: 'Pages' }).getByText('Page 2').waitFor();
  await one.row('many-24').waitFor();
  expect(first + (await many())).toBe(25);
  expect(await one.page.locator(':focus').textContent()).toBe('Next page');
  expect(await one.button('Next page').getAttribute('aria-disabled')).toBe('true');
  await one.button('Previous page').click();
  await one.row('many-00').waitFor();
});
