// What there is to choose: sections by quantity, sections by seat, and reserving.

import { isAborted, newKey, pause, Refusal } from './api.js';
import { Chosen } from './chosen.js';
import { announce, find, isolated, make, say, whileBusy, write } from './dom.js';
import { SeatPlan } from './plan.js';
import { countDown } from './time.js';
import { count, itemsOf, money, timeOf, wordsOf } from './words.js';

const refreshMs = 3000;

/** `reserved(reservation)`, `refused(error)` for what has nothing to be chosen after it, `ranOut()` when the turn is over. */
export class Shop {
  #api;
  #told;
  #sale;
  #turn;
  #chosen;
  #sections = new Map();
  #stop;
  #stopClock;

  constructor(api, told) {
    this.#api = api;
    this.#told = told;
    find('shop-form').addEventListener('submit', (event) => {
      event.preventDefault();
      whileBusy(find('reserve'), () => this.#reserve());
    });
  }

  /** `turn`: the grant with its end, of a sale with a waiting room. */
  show(sale, turn) {
    this.#sale = sale;
    this.#turn = turn;
    this.#chosen = new Chosen(sale, () => this.#showChosen());
    this.#sections = new Map(sale.sections.map((section) => [section.sectionId, this.#section(section)]));
    find('sections').replaceChildren(...[...this.#sections.values()].map(({ node }) => node));
    write(
      find('limits'),
      `Up to ${sale.maxPerReservation} in one reservation, ${sale.maxPerUser} for each person. What you reserve is held for ${timeOf(sale.holdSeconds)}.`,
    );
    this.#showChosen();
    find('shop-grant').hidden = turn === undefined;
    if (turn)
      this.#stopClock = countDown('shop-clock', turn.expiresAt, {
        warn: (seconds) => announce(`${seconds} seconds left to reserve.`),
        ended: () => this.#told.ranOut(),
      });
    this.#stop = new AbortController();
    this.#refresh(this.#stop.signal);
  }

  hide() {
    this.#stop?.abort();
    this.#stopClock?.();
    find('sections').replaceChildren();
  }

  #section(section) {
    const { sectionId, price, seated } = section;
    const left = make('p', { className: 'left' });
    const head = make(
      'div',
      { className: 'section-head' },
      make('h3', {}, isolated(sectionId)),
      make('p', { className: 'price', textContent: money(price, this.#sale.currency) }),
    );
    const made = {
      section,
      left,
      node: make('section', { className: 'card section', ariaLabel: sectionId }, head, left),
    };
    if (seated) {
      const told = { chosen: this.#chosen, isFull: () => this.#tellFull(), lost: (seatIds) => this.#lost(seatIds) };
      made.plan = new SeatPlan(this.#api, this.#sale.saleId, sectionId, told);
      made.node.append(made.plan.node);
      if (this.#sale.sections.length === 1) made.plan.open();
    } else {
      made.stepper = this.#stepper(sectionId);
      made.node.append(made.stepper.node);
    }
    return made;
  }

  #stepper(sectionId) {
    const input = make('input', {
      type: 'number',
      min: 0,
      max: 0,
      value: 0,
      inputMode: 'numeric',
      ariaLabel: `How many of ${sectionId}`,
    });
    const set = (wanted) => {
      const others = this.#chosen.count - this.#chosen.quantityOf(sectionId);
      const most = Math.max(0, Math.min(Number(input.max), this.#sale.maxPerReservation - others));
      const value = Math.min(most, Math.max(0, Math.floor(wanted) || 0));
      if (wanted > Number(input.max)) say(wordsOf({ code: 'sold_out' }, this.#sale), 'notice');
      else if (wanted > value) this.#tellFull();
      input.value = String(value);
      this.#chosen.setQuantity(sectionId, value);
    };
    input.addEventListener('change', () => set(Number(input.value)));
    const step = (text, by, words) => {
      const button = make('button', {
        type: 'button',
        className: 'step',
        textContent: text,
        ariaLabel: `${words} of ${sectionId}`,
      });
      button.addEventListener('click', () => set(Number(input.value) + by));
      return button;
    };
    const node = make(
      'div',
      { className: 'stepper' },
      step('\u2212', -1, 'One fewer'),
      input,
      step('+', 1, 'One more'),
    );
    return { node, input, set };
  }

  async #refresh(signal) {
    try {
      for (;;) {
        const seen = await this.#api.get(`sales/${this.#sale.saleId}/availability`, { signal });
        for (const level of seen.sections) this.#showLevel(level);
        for (const { plan } of this.#sections.values()) await plan?.refresh(signal);
        await pause(refreshMs, signal);
      }
    } catch (error) {
      if (isAborted(error)) return;
      if (!(error instanceof Refusal)) throw error;
      say(wordsOf(error, this.#sale));
    }
  }

  #showLevel({ sectionId, available, held, capacity }) {
    const made = this.#sections.get(sectionId);
    if (!made) return;
    const none = held > 0 ? `None left now; ${count(held, 'is', 'are')} held and may come back` : 'Sold out';
    write(made.left, available > 0 ? `${available.toLocaleString()} of ${capacity.toLocaleString()} left` : none);
    made.node.classList.toggle('none', available === 0);
    if (!made.stepper) return;
    const { input, set } = made.stepper;
    input.max = available;
    // What somebody is typing is left alone.
    if (Number(input.value) > Number(input.max) && document.activeElement !== input) set(Number(input.max));
  }

  #showChosen() {
    const { items, amount, count: chosen } = this.#chosen;
    write(find('chosen'), chosen === 0 ? 'Nothing chosen yet' : itemsOf(items));
    write(find('total'), chosen === 0 ? '' : money(amount, this.#sale.currency));
    write(find('reserve'), chosen === 0 ? 'Reserve' : `Reserve ${chosen.toLocaleString()}`);
  }

  #tellFull() {
    say(wordsOf({ code: 'limit_exceeded', message: 'maxPerReservation' }, this.#sale), 'notice');
  }

  /** Seats that were chosen here, and that somebody else has now. */
  #lost(seatIds) {
    say(wordsOf({ code: 'seats_taken', message: '', seatIds }, this.#sale), 'notice');
  }

  async #reserve() {
    const { items } = this.#chosen;
    if (items.length === 0) return say('Choose something first.', 'notice');
    say('');
    const body = { saleId: this.#sale.saleId, items, ...(this.#turn && { grant: this.#turn.grant }) };
    try {
      // One key for one attempt: an answer that was lost is asked for again, and nothing is reserved twice.
      const reservation = await this.#api.call('POST', 'reservations', { body, key: newKey() });
      this.#told.reserved(reservation);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(error);
    }
  }

  #refused(error) {
    const taken = error.code === 'seats_taken' ? error.seatIds : [];
    for (const { plan } of this.#sections.values()) plan?.take(taken);
    if (!this.#told.refused(error)) say(wordsOf(error, this.#sale));
  }
}
