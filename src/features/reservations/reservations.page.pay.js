// Paying for what is held.

import { isAborted, newKey, pause, Refusal } from './api.js';
import { announce, find, say, whileBusy, write } from './dom.js';
import { money, wordsOf } from './words.js';

const pollMs = 1000;
const live = new Set(['pending', 'processing', 'authorized']);
const declined = {
  card_declined: 'The payment was declined.',
  no_such_method: 'The provider does not know that way to pay.',
};
const under = {
  processing: 'The payment is on its way. You need not wait here: the ticket comes by itself.',
  authorized: 'The payment is approved. Your ticket is being made.',
  completed: 'The payment is approved. Your ticket is being made.',
};

/** `confirmed(reservation)` hears of what is free, and needs no payment. */
export class Payment {
  #api;
  #told;
  #reservation;
  #payment;
  #stop = new AbortController();

  constructor(api, told) {
    this.#api = api;
    this.#told = told;
    find('hold-pay').addEventListener('click', () => whileBusy(find('hold-pay'), () => this.#press()));
  }

  show(reservation) {
    this.#reservation = reservation;
    this.#payment = undefined;
    this.#stop = new AbortController();
    find('pay-panel').hidden = find('pay-simulator').hidden = true;
    find('hold-pay').hidden = false;
    find('pay-method').value = 'approve';
    write(find('pay-text'), '');
    write(find('hold-pay'), this.#isFree ? 'Get the ticket' : `Pay ${money(reservation.amount, reservation.currency)}`);
    if (!this.#isFree) this.#guard(() => this.#recall());
  }

  hide() {
    this.#stop.abort();
  }

  get #isFree() {
    return this.#reservation.amount === 0;
  }

  /** A payment that was begun before the page was loaded goes on. */
  async #recall() {
    const { payments } = await this.#api.get(`payments?reservationId=${this.#reservation.id}`, {
      signal: this.#stop.signal,
    });
    const begun = payments.find(({ status }) => live.has(status));
    if (begun && !this.#payment) await this.#go(begun);
  }

  async #press() {
    say('');
    await this.#guard(async () => {
      if (this.#isFree) return this.#confirm();
      if (this.#payment?.status === 'pending') return this.#process();
      const { id: reservationId } = this.#reservation;
      await this.#go(await this.#api.call('POST', 'payments', { body: { reservationId }, key: newKey() }));
      if (this.#payment?.provider === 'simulator') find('pay-method').focus();
    });
  }

  async #confirm() {
    this.#told.confirmed(
      await this.#api.call('POST', `reservations/${this.#reservation.id}/confirm`, { body: {}, key: newKey() }),
    );
  }

  async #process() {
    const path = `payments/${this.#payment.id}/process`;
    const body = { method: find('pay-method').value };
    await this.#go(await this.#api.call('POST', path, { body, key: newKey() }));
  }

  /** As the payment is now, and until it is over. */
  async #go(payment) {
    for (let seen = payment; ; seen = await this.#api.get(`payments/${payment.id}`, { signal: this.#stop.signal })) {
      this.#show(seen);
      if (seen.status === 'pending' || !live.has(seen.status)) return;
      await pause(pollMs, this.#stop.signal);
    }
  }

  #show(payment) {
    this.#payment = payment;
    const { status, provider, amount, currency, failure, id } = payment;
    const isPending = status === 'pending';
    const isOver = !live.has(status) && status !== 'completed';
    find('pay-panel').hidden = false;
    find('pay-simulator').hidden = !(isPending && provider === 'simulator');
    find('hold-pay').hidden = !(isOver || (isPending && provider === 'simulator'));
    write(find('hold-pay'), isOver ? 'Try another payment' : `Pay ${money(amount, currency)} now`);
    if (isOver)
      return this.#failed(
        `${declined[failure] ?? `The payment is ${status}.`} What you hold is still yours until the time is up.`,
      );
    const elsewhere = `Go on in the checkout of the game: it pays the payment ${id}. As soon as it is approved, your ticket appears here.`;
    write(find('pay-text'), isPending ? (provider === 'simulator' ? '' : elsewhere) : (under[status] ?? ''));
  }

  #failed(text) {
    write(find('pay-text'), text);
    announce(text);
  }

  async #guard(work) {
    try {
      await work();
    } catch (error) {
      if (isAborted(error)) return;
      if (!(error instanceof Refusal)) throw error;
      if (error.code === 'payment_exists') return this.#recall();
      if (error.code !== 'route_not_found') return say(wordsOf(error));
      find('pay-panel').hidden = false;
      find('hold-pay').hidden = true;
      write(
        find('pay-text'),
        'Nobody can pay at this server: it runs without payments. Go on where the game has its checkout; your ticket appears here.',
      );
    }
  }
}
