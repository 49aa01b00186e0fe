// The page of a sale: which of its views is shown, and why.

import { Account } from './account.js';
import { Api, isAborted, pause, Refusal } from './api.js';
import { announce, find, say, write } from './dom.js';
import { Hold } from './hold.js';
import { WaitingLine } from './line.js';
import { Shop } from './shop.js';
import { TicketCards } from './ticket.js';
import { clockOf, countDown, dateOf, everyTick, now } from './time.js';
import { wordsOf } from './words.js';

const lookMs = 5000;
const steps = ['account', 'line', 'shop', 'hold', 'ticket'];
const saleIds = /^[a-z0-9-]{3,64}$/;
const saleId = location.pathname.split('/').at(-1);
const back = {
  cancelled: 'You have given it back. Nothing was charged.',
  expired: 'The time to pay has run out, and others can have it now. Nothing was charged.',
  revoked: 'The payment did not hold, and the place was given back.',
};

const api = new Api();
let sale;
let isSoldOut = false;
let view;
let isMore = false;
// The newest decision counts: an older one may still wait for an answer.
let decisions = 0;
let stopSoon = () => {};

const account = new Account(api, (code) => {
  say(code ? wordsOf({ code }) : '');
  isMore = false;
  decide();
});
const line = new WaitingLine(api, {
  titled,
  entered: (admission) => go('shop', admission),
  ended: (status, again) => (status === 'left' ? again() : decide({ again })),
});
const shop = new Shop(api, {
  reserved: (reservation) => {
    if (sale.queue) line.forget();
    isMore = false;
    announce('Reserved for you.');
    go('hold', reservation);
  },
  refused,
  ranOut: () => lineAgain(wordsOf({ code: 'grant_invalid' })),
});
const hold = new Hold(api, { titled, ended });
const tickets = new TicketCards();
const views = {
  over: { show: showOver, hide: () => {} },
  soon: { show: showSoon, hide: () => stopSoon() },
  account: { show: () => {}, hide: () => {} },
  line: { show: (reason) => line.show(sale, account.user, reason), hide: () => line.hide() },
  shop: { show: (turn) => shop.show(sale, turn), hide: () => shop.hide() },
  hold: { show: (reservation) => hold.show(reservation), hide: () => hold.hide() },
  ticket: { show: showTickets, hide: () => tickets.hide() },
};

function titled(words) {
  document.title = [words, sale?.title, 'Aerie drops'].filter(Boolean).join(' - ');
}

/** Shows a view in place of the one before; what had the focus there has it no more, so the view's heading gets it. */
function go(name, ...facts) {
  const isFirst = view === undefined;
  if (view) views[view].hide();
  view = name;
  document.body.dataset.view = name;
  for (const each of Object.keys(views)) find(`view-${each}`).hidden = each !== name;
  const at = steps.indexOf(name);
  find('steps').hidden = at < 0;
  for (const step of find('steps').children) {
    const index = steps.indexOf(step.dataset.step);
    step.hidden = step.dataset.step === 'line' && !sale?.queue;
    step.ariaCurrent = index === at ? 'step' : null;
    step.classList.toggle('past', index < at);
  }
  titled('');
  views[name].show(...facts);
  const { activeElement } = document;
  // A field that is hidden has the focus until the next frame.
  const isLost = activeElement === document.body || activeElement?.closest('[hidden]');
  if (isFirst || !isLost) return;
  find(name === 'account' ? 'account-email' : `${name}-title`).focus();
}

/** What is to be shown now, by what the server says. `again`: what to do where nothing is held and nothing was bought. */
async function decide({ reason, again } = {}) {
  decisions += 1;
  const mine = decisions;
  if (!account.user) return go('account');
  const found = await api.get(`reservations?saleId=${saleId}&pageSize=100`);
  if (mine !== decisions) return;
  // An operator sees everybody's.
  const own = found.reservations.filter(({ userId }) => userId === account.user?.id);
  const held = own.find(({ status, heldUntil }) => status === 'held' && Date.parse(heldUntil) > now());
  if (held) return go('hold', held);
  const had = own.filter(({ ticket, status }) => ticket !== undefined || status === 'confirmed');
  if (had.length > 0 && !isMore && !reason) return go('ticket', had);
  if (stateOf() === 'over') return go('over', 'The sale is over', 'Thank you for coming. Nothing more is sold here.');
  if (again && view === 'line') return again();
  if (sale.queue) return go('line', reason);
  if (reason) say(reason, 'notice');
  return stateOf() === 'soon' ? go('soon') : go('shop');
}

/** A hold is over: there is a ticket, or there is nothing. */
async function ended({ status }) {
  if (back[status] === undefined) announce('It is yours. Here is your ticket.');
  await decide(back[status] === undefined ? {} : { reason: back[status] });
}

function lineAgain(reason) {
  if (view === 'shop') go('line', reason);
}

/** True when there is nothing to be chosen after it; the others are said beside what is chosen. */
function refused(error) {
  const isTurnOver = ['grant_used', 'grant_invalid', 'grant_required'].includes(error.code);
  if (isTurnOver) decide({ reason: wordsOf(error, sale) });
  if (error.code === 'sale_closed' || error.code === 'sale_not_open') look().then(() => decide());
  return isTurnOver || error.code === 'sale_closed';
}

function stateOf() {
  const time = now();
  if (sale.state === 'closed' || (sale.closesAt && Date.parse(sale.closesAt) <= time)) return 'over';
  if (Date.parse(sale.opensAt) > time) return 'soon';
  if (sale.state === 'paused') return 'paused';
  return isSoldOut ? 'sold-out' : 'open';
}

function showState() {
  const state = stateOf();
  const words = { over: 'Over', soon: 'Not open yet', paused: 'Paused', 'sold-out': 'Sold out for now', open: 'Open' };
  const until = Date.parse(state === 'soon' ? sale.opensAt : (sale.closesAt ?? ''));
  find('state').hidden = false;
  find('state').dataset.state = state;
  write(find('state'), words[state]);
  const isCounted = until > now() && state !== 'over';
  write(
    find('when'),
    isCounted ? `${state === 'soon' ? 'Opens' : 'Closes'} ${dateOf(until)}, in ${clockOf(until - now())}` : '',
  );
}

function showSoon() {
  write(find('soon-at'), dateOf(sale.opensAt));
  stopSoon = countDown('soon-clock', sale.opensAt, {
    warn: (seconds) => announce(`The sale opens in ${seconds} seconds.`),
    ended: () => {
      announce('The sale is open.');
      decide();
    },
  });
}

function showOver(title, text) {
  write(find('over-title'), title);
  write(find('over-text'), text);
}

function showTickets(had) {
  tickets.show(had, sale);
  const isLeft = had.length < sale.maxPerUser && stateOf() !== 'over' && stateOf() !== 'sold-out';
  find('ticket-more').hidden = !isLeft;
}

/** The sale as it is now; its clock, too. */
async function look() {
  const [found, level] = await Promise.all([api.get(`sales/${saleId}`), api.get(`sales/${saleId}/availability`)]);
  const before = sale && stateOf();
  isSoldOut = level.soldOut;
  sale = found;
  write(find('title'), sale.title);
  if (before && before !== stateOf()) announce(`The sale: ${find('state').textContent}`);
  if (before && before !== 'over' && stateOf() === 'over' && ['soon', 'line', 'shop', 'account'].includes(view))
    await decide();
}

/** A ticket may be taken back, by a refund or by money that did not come. */
async function lookAtTickets() {
  const { reservations } = await api.get(`reservations?saleId=${saleId}&pageSize=100`);
  const own = reservations.filter(({ userId, ticket }) => userId === account.user?.id && ticket !== undefined);
  if (view === 'ticket') showTickets(own);
}

async function start() {
  if (!saleIds.test(saleId)) return missing();
  try {
    await look();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'sale_not_found') return missing();
    return go('over', 'This page cannot be shown', wordsOf(error));
  }
  everyTick(showState);
  await decide();
  for (;;) {
    await pause(lookMs);
    if (!document.hidden) await lookAgain();
  }
}

async function lookAgain() {
  try {
    await look();
    if (view === 'ticket') await lookAtTickets();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(wordsOf(error, sale));
  }
}

function missing() {
  write(find('title'), 'No such sale');
  go(
    'over',
    'There is no such sale',
    'Check the address: it ends with the name of the sale, in small letters, digits and hyphens.',
  );
}

find('said-close').addEventListener('click', () => {
  say('');
  find('main').querySelector('section:not([hidden]) h2')?.focus();
});
find('ticket-more').addEventListener('click', () => {
  isMore = true;
  decide();
});
addEventListener('unhandledrejection', (event) => {
  const { reason } = event;
  if (reason instanceof Refusal || isAborted(reason)) event.preventDefault();
  if (isAborted(reason)) return;
  say(reason instanceof Refusal ? wordsOf(reason, sale) : 'This page has failed. Load it again: nothing is lost.');
});
await start();
