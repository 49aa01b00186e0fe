// The waiting room: joining, the place in the line, and being called.

import { addressOf, Refusal } from './api.js';
import { announce, find, say, store, whileBusy, write } from './dom.js';
import { eventSource, Follower } from './follow.js';
import { countDown, dateOf, now } from './time.js';
import { count, waitOf, wordsOf } from './words.js';

const over = {
  expired:
    'Your place was not used in time, and has gone to somebody else. You can join again, at the end of the line.',
  left: 'You have left the line. You can join again, at its end.',
  done: 'This place in the line has been used. For more, join again.',
};
const parts = ['line-clock', 'line-place', 'line-supply', 'line-join', 'line-enter', 'line-leave', 'line-stay'];

/** `entered(grant)` hears the grant of who was called and entered; `titled(words)` what the document's title says. */
export class WaitingLine {
  #api;
  #told;
  #sale;
  #place;
  #follower;
  #stopClock;
  #status;
  #furthest = 0;
  #hasPassed = false;

  constructor(api, told) {
    this.#api = api;
    this.#told = told;
    find('line-join').addEventListener('click', () => whileBusy(find('line-join'), () => this.#join()));
    find('line-enter').addEventListener('click', () => whileBusy(find('line-enter'), () => this.#enter()));
    find('line-leave').addEventListener('click', () => whileBusy(find('line-leave'), () => this.#leave()));
  }

  /** `reason`: why somebody is here again. */
  show(sale, user, reason) {
    this.#sale = sale;
    this.#place = `aerie-line ${sale.saleId} ${user.id}`;
    this.#status = undefined;
    this.#hasPassed = false;
    this.#furthest = 0;
    find('line-draw-link').href = addressOf(`queue/draw?saleId=${sale.saleId}`);
    const kept = store.get(this.#place);
    if (kept && !reason) this.#follow(kept.ticket);
    else this.#before(reason);
  }

  hide() {
    this.#follower?.stop();
    this.#follower = undefined;
    this.#stopClock?.();
  }

  /** The ticket has done its work. */
  forget() {
    store.set(this.#place, undefined);
  }

  get followedBy() {
    return this.#follower?.by;
  }

  #only(...shown) {
    for (const part of parts) find(part).hidden = !shown.includes(part);
    this.#stopClock?.();
    this.#told.titled('');
    this.#draw();
  }

  /** As the line says; who has not joined goes by the clock. */
  #isBeforeDraw() {
    const { drawAt } = this.#sale.queue;
    return this.#status ? this.#status.status === 'prequeued' : drawAt !== undefined && Date.parse(drawAt) > now();
  }

  #draw() {
    const { drawAt } = this.#sale.queue;
    find('line-draw').hidden = false;
    const isAhead = this.#isBeforeDraw();
    if (!drawAt) write(find('line-draw-text'), 'Whoever comes first is called first; the log of joins is public.');
    else if (isAhead)
      write(
        find('line-draw-text'),
        `Places are drawn at ${dateOf(drawAt)}, among all who have joined by then. The draw is fixed beforehand, and anybody may check it.`,
      );
    else write(find('line-draw-text'), `Places were drawn at ${dateOf(drawAt)}. Anybody may check the draw.`);
    write(find('line-draw-link'), isAhead ? 'See its commitment' : 'Recompute it');
  }

  #before(reason) {
    this.#status = undefined;
    const { opensAt } = this.#sale.queue;
    write(find('line-title'), 'Waiting room');
    if (opensAt && Date.parse(opensAt) > now()) {
      this.#only('line-clock');
      write(find('line-title'), 'The waiting room opens in');
      write(find('line-text'), `You can join at ${dateOf(opensAt)}.`);
      this.#stopClock = countDown('line-clock', opensAt, { ended: () => this.#before() });
      return;
    }
    this.#only('line-join');
    const first = this.#isBeforeDraw()
      ? 'It does not matter when you join, as long as it is before the draw: then everybody gets a place by lot.'
      : 'Many want this, and few can choose at a time. Join the line: this page says when it is your turn.';
    write(find('line-text'), reason ?? first);
    write(find('line-join'), reason ? 'Join again' : 'Join the line');
    if (reason) announce(reason);
  }

  async #join() {
    try {
      const { ticket } = await this.#api.call('POST', 'queue/join', { body: { saleId: this.#sale.saleId } });
      store.set(this.#place, { ticket });
      say('');
      this.#follow(ticket);
      find('line-title').focus();
    } catch (error) {
      this.#refused(error);
    }
  }

  #follow(ticket) {
    this.#follower?.stop();
    const path = `?ticket=${ticket}`;
    this.#follower = new Follower({
      open: eventSource(`queue/stream${path}`),
      look: (signal) => this.#api.get(`queue/status${path}`, { signal }),
      pauseMs: ({ pollAfterMs }) => pollAfterMs,
      tell: (status) => this.#show(status),
      gone: (error) => {
        this.forget();
        this.#refused(error);
      },
    });
  }

  #show(status) {
    const before = this.#status;
    this.#status = status;
    if (over[status.status]) return this.#ended(status.status);
    // It may have been called again before anybody looked.
    if (before?.status === 'ready' && before.readyUntil !== status.readyUntil && status.status !== 'admitted') {
      this.#hasPassed = true;
      announce('Your turn has passed unused. You are still in the line.');
    }
    if (status.status === 'ready') {
      if (before?.status !== 'ready' || before.readyUntil !== status.readyUntil) this.#called(status);
    } else if (status.status === 'admitted') {
      if (before?.status !== 'admitted') this.#enter();
    } else this.#waits(status, before);
  }

  #waits({ status, ahead, eta, supplyLikely, number }, before) {
    const isDrawn = status === 'waiting';
    const supply = supplyLikely ? [] : ['line-supply'];
    if (before?.status !== status || before.supplyLikely !== supplyLikely) {
      this.#only(isDrawn ? 'line-place' : 'line-clock', 'line-leave', 'line-stay', ...supply);
      if (!isDrawn) this.#stopClock = countDown('line-clock', this.#sale.queue.drawAt);
    }
    if (!isDrawn) {
      write(find('line-title'), 'Places are drawn in');
      write(find('line-text'), 'You are in. At the draw everybody who is here gets a place by lot.');
      return this.#told.titled('Before the draw');
    }
    write(find('line-title'), 'You are in the line');
    write(
      find('line-text'),
      this.#hasPassed ? 'Your turn has passed unused. You are called once more.' : 'It moves as others finish.',
    );
    write(find('line-ahead'), ahead.toLocaleString());
    write(find('line-ahead-words'), ahead === 0 ? ' ahead of you: you are next' : ' ahead of you');
    write(find('line-eta'), waitOf(eta));
    write(find('line-number'), number === undefined ? 'not known yet' : number.toLocaleString());
    this.#furthest = Math.max(this.#furthest, ahead + 1);
    find('line-meter').style.width = `${100 * (1 - ahead / this.#furthest)}%`;
    this.#told.titled(ahead === 0 ? 'You are next' : `${ahead.toLocaleString()} ahead of you`);
    if (before?.status === 'prequeued')
      announce(`The places are drawn: ${count(ahead, 'person', 'people')} ahead of you.`);
  }

  #called({ readyUntil, supplyLikely }) {
    this.#only('line-clock', 'line-enter', 'line-leave', ...(supplyLikely ? [] : ['line-supply']));
    write(find('line-title'), 'It is your turn');
    write(
      find('line-text'),
      this.#hasPassed
        ? 'You are called for the last time. Enter within this time, or your place is gone.'
        : 'Enter within this time, or somebody else is called.',
    );
    this.#stopClock = countDown('line-clock', readyUntil, {
      warn: (seconds) => announce(`${seconds} seconds left to enter.`),
      ended: () => {
        find('line-enter').hidden = true;
        write(find('line-text'), 'That time has passed. Looking where you are now.');
      },
    });
    this.#told.titled('It is your turn!');
    announce('It is your turn. Enter the sale now.');
    find('line-enter').focus();
  }

  async #enter() {
    const { ticket } = store.get(this.#place) ?? {};
    if (!ticket) return this.#before();
    try {
      const admission = await this.#api.call('POST', 'queue/enter', { body: { ticket } });
      say('');
      this.#told.entered(admission);
    } catch (error) {
      if (error.code === 'queue_ticket_ended') return this.#ended('expired');
      this.#refused(error);
    }
  }

  async #leave() {
    const { ticket } = store.get(this.#place) ?? {};
    try {
      const { status } = await this.#api.call('DELETE', `queue/leave?ticket=${ticket}`);
      this.#ended(over[status] ? status : 'left');
      find('line-join').focus();
    } catch (error) {
      this.#refused(error);
    }
  }

  #ended(status) {
    this.hide();
    this.forget();
    this.#told.ended(status, () => this.#before(over[status]));
  }

  #refused(error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === 'route_not_found') {
      this.#only();
      return write(
        find('line-text'),
        'This sale has a waiting room, and this server does not run it. Ask whoever sent you here for the right address.',
      );
    }
    if (error.code === 'queue_ticket_not_found')
      return this.#before('That place in the line is not known here any more.');
    say(wordsOf(error, this.#sale));
  }
}
