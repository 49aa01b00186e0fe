// What is held: how long still, what it costs, and what can be done with it.

import { newKey, Refusal } from './api.js';
import { announce, find, isolated, make, say, whileBusy, write } from './dom.js';
import { Follower, tokenStream } from './follow.js';
import { Payment } from './pay.js';
import { countDown } from './time.js';
import { money, wordsOf } from './words.js';

const pollMs = 2000;
const controls = ['hold-pay', 'hold-extend', 'hold-cancel'];

/** `ended(reservation)` hears what is held no more; `titled(words)` what the document's title says. */
export class Hold {
  #api;
  #told;
  #payment;
  #reservation;
  #follower;
  #stopClock;

  constructor(api, told) {
    this.#api = api;
    this.#told = told;
    this.#payment = new Payment(api, { confirmed: (reservation) => this.#seen(reservation) });
    find('hold-extend').addEventListener('click', () => this.#press('hold-extend', 'extend'));
    find('hold-cancel').addEventListener('click', () => this.#press('hold-cancel', 'cancel'));
  }

  show(reservation) {
    this.#reservation = undefined;
    const { id, items, amount, currency } = reservation;
    find('hold-items').replaceChildren(...items.map(lineOf));
    write(find('hold-total'), money(amount, currency));
    this.#payment.show(reservation);
    this.#seen(reservation);
    this.#follower = new Follower({
      open: tokenStream(`reservations/${id}/stream`, this.#api.token),
      look: (signal) => this.#api.get(`reservations/${id}`, { signal }),
      pauseMs: () => pollMs,
      tell: (seen) => this.#seen(seen),
      gone: (error) => error instanceof Refusal && say(wordsOf(error)),
    });
  }

  hide() {
    this.#follower?.stop();
    this.#stopClock?.();
    this.#payment.hide();
  }

  get followedBy() {
    return this.#follower?.by;
  }

  /** A stream and an answer may overtake each other: the version says which one is newer. */
  #seen(reservation) {
    const before = this.#reservation;
    if (before && (reservation.id !== before.id || reservation.version < before.version)) return;
    this.#reservation = reservation;
    if (reservation.status !== 'held') return this.#told.ended(reservation);
    find('hold-extend').hidden = reservation.extended;
    if (before?.heldUntil === reservation.heldUntil) return;
    for (const id of controls) find(id).disabled = false;
    this.#stopClock?.();
    this.#stopClock = countDown('hold-clock', reservation.heldUntil, {
      warn: (seconds) => announce(`${seconds} seconds left to pay.`),
      ended: () => {
        for (const id of controls) find(id).disabled = true;
        announce('The time to pay has run out.');
        this.#look();
      },
    });
    this.#told.titled('Pay for what is held');
  }

  /** At the end of the hold at once, however it is followed. */
  async #look() {
    const { id } = this.#reservation;
    this.#seen(await this.#api.get(`reservations/${id}`));
  }

  #press(id, what) {
    return whileBusy(find(id), async () => {
      say('');
      try {
        const path = `reservations/${this.#reservation.id}/${what}`;
        this.#seen(await this.#api.call('POST', path, { body: {}, key: newKey() }));
        if (what !== 'extend') return;
        announce('You have one more minute.');
        find('hold-pay').focus();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        say(wordsOf(error));
        await this.#look();
      }
    });
  }
}

/** One section of a reservation. */
export function lineOf({ sectionId, quantity, seatIds }) {
  const seats = seatIds.length > 0 ? [make('span', { className: 'seat-list', textContent: seatIds.join(', ') })] : [];
  const what = `${seatIds.length || quantity} \u00d7 `;
  return make('li', {}, make('span', { className: 'what' }, what, isolated(sectionId)), ...seats);
}
