import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { reservationsContract as reservations } from '../../../src/features/reservations/reservations.api';
import { eventually } from '../../support/eventually';
import { ask, giveUp, openSale, play } from './happenings';
import { app, Operator, welcomeOperators } from './operators';

// Somebody else was faster: what stands behind the question is then what it is now.

welcomeOperators();

/** Nothing is left to press but the way out, which has the focus. */
async function isOver(one: Operator, words: RegExp): Promise<void> {
  await one.dialog.locator('.problem').getByText(words).waitFor();
  await eventually(async () => expect(await one.dialog.getByRole('button').allTextContents()).toEqual(['Cancel']));
  await eventually(async () => expect(await one.page.locator(':focus').textContent()).toBe('Cancel'));
}

test('a sale that was closed meanwhile is closed behind the question, too, and nothing more is asked of it', async () => {
  await openSale(app, 'closed-meanwhile');
  const one = await Operator.at('sales/closed-meanwhile');
  const about = one.part('The sale');
  await about.getByRole('button', { name: 'Pause' }).click();
  await ask(app, reservations, 'setSaleState', { saleId: 'closed-meanwhile', state: 'closed' });
  await one.dialog.getByRole('button', { name: 'Pause' }).click();
  await isOver(one, /^The sale is closed/);
  await about.getByText('closed', { exact: true }).waitFor();
  await about.getByText('Pause').waitFor({ state: 'detached' });
  await one.dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('seats that were taken meanwhile are taken behind the question, too', async () => {
  await openSale(app, 'taken-meanwhile');
  const one = await Operator.at('sales/taken-meanwhile');
  await one.button('Keep seats of box back').click();
  await ask(app, reservations, 'blockSeats', { saleId: 'taken-meanwhile', sectionId: 'box', seatIds: ['A1', 'A2'] });
  await one.dialog.getByLabel('Seats').fill('A1');
  await one.dialog.getByRole('button', { name: 'Keep back' }).click();
  await one.dialog.getByText(/^Some of these seats are held, sold or kept back/).waitFor();
  // A dialog hides what is behind it from those who do not see it.
  const row = one.page.locator('section[aria-label="What is left"] tr', { hasText: 'box' });
  await eventually(async () => expect(await row.textContent()).toMatch(/Available1.*Kept back2/s));
  // Others can be kept back all the same.
  await one.dialog.getByLabel('Seats').fill('A3');
  await one.dialog.getByRole('button', { name: 'Keep back' }).click();
  await one.said.getByText('box: 0 available, 3 kept back.').waitFor();
});

test('a dead letter that was applied meanwhile leaves the list, and no button that would redrive it', async () => {
  const id = await play(app, 'letter-1');
  await giveUp(app, id, 'on purpose');
  const one = await Operator.stillAt('letters');
  await one.button(`Redrive ${id}`).click();
  const listed = async (): Promise<{ id: string; eventId: string }[]> => {
    const { body } = await ask(app, gateway, 'listDeadLetters', {});
    return (body.deadLetters as { id: string; eventId: string }[]).filter(({ eventId }) => eventId === id);
  };
  const [letter] = await listed();
  expect((await ask(app, gateway, 'redriveDeadLetter', { id: letter?.id })).code).toBe('ok');
  await eventually(async () => expect(await listed()).toEqual([]));
  await one.dialog.getByRole('button', { name: 'Redrive' }).click();
  await isOver(one, /^It is no longer there/);
  await one.page.getByText('No dead letters.').waitFor();
  await one.dialog.getByRole('button', { name: 'Cancel' }).click();
});

test('a block that somebody else has ended leaves the list, also where the command is refused for it', async () => {
  await ask(app, fairness, 'blockPlayer', { playerId: 'freed-1', seconds: 600, reason: 'rude' });
  const one = await Operator.at('blocks');
  await one.button('Unblock freed-1').click();
  await ask(app, fairness, 'unblockPlayer', { playerId: 'freed-1' });
  await one.page.route('**/fairness/players/freed-1/block', (route) =>
    route.fulfill({ status: 409, json: { code: 'resource_busy' } }),
  );
  await one.dialog.getByRole('button', { name: 'Unblock' }).click();
  await one.dialog.getByText(/^Somebody else is changing it/).waitFor();
  await one.page.getByText('Nobody is blocked.').waitFor();
  await one.page.unrouteAll({ behavior: 'wait' });
});
