// The seats of one section: rows of buttons of which one is reached by Tab and the others by the arrow keys.

import { make, write } from './dom.js';
import { listed } from './words.js';

const pageSize = 1000;
const rowMost = 100;
const perFrame = 1500;
const order = new Intl.Collator('en', { numeric: true });
const words = {
  available: 'free',
  held: 'held by somebody',
  sold: 'sold',
  blocked: 'not for sale',
  lost: 'taken just now',
};
const moves = { ArrowRight: 1, ArrowLeft: -1, Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY };

/** `told`: `chosen`, `isFull()` when no more can be chosen, `lost(seatIds)` when what was chosen is somebody else's now. */
export class SeatPlan {
  node = make('div', { className: 'seats' });
  #api;
  #path;
  #sectionId;
  #told;
  #button;
  #note = make('p', { className: 'hint', role: 'status' });
  #rows = make('div', { className: 'plan' });
  #seats = new Map();
  #tokens = [];
  #next = 0;
  #isOpen = false;

  constructor(api, saleId, sectionId, told) {
    this.#api = api;
    this.#sectionId = sectionId;
    this.#path = `sales/${saleId}/availability?sectionId=${encodeURIComponent(sectionId)}&pageSize=${pageSize}`;
    this.#told = told;
    this.#button = make('button', {
      type: 'button',
      className: 'second',
      textContent: 'Choose seats',
      ariaExpanded: 'false',
    });
    this.#button.ariaLabel = `Choose seats of ${sectionId}`;
    this.#button.addEventListener('click', () => (this.#isOpen ? this.close() : this.open()));
    this.#rows.setAttribute('role', 'group');
    this.#rows.ariaLabel = `Seats of ${sectionId}`;
    this.#rows.addEventListener('click', ({ target }) => this.#press(target.closest('.seat')));
    this.#rows.addEventListener('keydown', (event) => this.#key(event));
    this.node.append(this.#button);
  }

  open() {
    this.#isOpen = true;
    this.#button.ariaExpanded = 'true';
    write(this.#button, 'Hide the seats');
    this.#button.ariaLabel = `Hide the seats of ${this.#sectionId}`;
    write(this.#note, 'Loading the seats');
    this.node.append(this.#note, this.#legend(), this.#rows);
  }

  close() {
    this.#isOpen = false;
    this.#button.ariaExpanded = 'false';
    write(this.#button, 'Choose seats');
    this.#button.ariaLabel = `Choose seats of ${this.#sectionId}`;
    this.node.replaceChildren(this.#button);
  }

  /** Loads what is not loaded yet; of many pages one each time, so that a large plan costs no more than a small one. */
  async refresh(signal) {
    if (!this.#isOpen) return;
    if (this.#seats.size === 0) return this.#load(signal);
    const token = this.#tokens[this.#next];
    this.#next = (this.#next + 1) % this.#tokens.length;
    const { seats } = await this.#page(token, signal);
    this.#update(seats);
  }

  /** These are somebody else's: the server has said so when they were to be reserved. */
  take(seatIds) {
    for (const seatId of seatIds) {
      const seat = this.#seats.get(seatId);
      if (!seat) continue;
      this.#choose(seat, false);
      this.#show(seat, 'lost');
    }
  }

  #page(token, signal) {
    return this.#api.get(`${this.#path}${token ? `&pageToken=${encodeURIComponent(token)}` : ''}`, { signal });
  }

  async #load(signal) {
    const seats = [];
    const tokens = [];
    for (let token = ''; token !== undefined; ) {
      tokens.push(token);
      const page = await this.#page(token, signal);
      seats.push(...page.seats);
      if (page.nextPageToken) write(this.#note, `Loading the seats: ${seats.length.toLocaleString()}`);
      token = page.nextPageToken || undefined;
    }
    this.#tokens = tokens;
    await this.#draw(rowsOf(seats), signal);
    write(this.#note, 'Arrow keys go from seat to seat, space chooses one.');
  }

  /** Some rows a frame, so that nothing stands still meanwhile. */
  async #draw(rows, signal) {
    this.#rows.replaceChildren();
    let drawn = 0;
    for (const { name, label, seats } of rows) {
      const made = seats.map((seat) => this.#seat(seat, name));
      const row = make('div', { className: 'row-seats' }, ...made);
      const head = make('span', { className: 'row-name', ariaHidden: 'true', textContent: name });
      this.#rows.append(make('div', { className: 'row', role: 'group', ariaLabel: label }, head, row));
      drawn += seats.length;
      if (drawn < perFrame) continue;
      drawn = 0;
      await new Promise((frame) => setTimeout(frame));
      signal.throwIfAborted();
    }
    const first = this.#rows.querySelector('.seat');
    if (first) first.tabIndex = 0;
  }

  #seat({ seatId, state }, rowName) {
    const short =
      rowName !== '' && seatId.startsWith(rowName) ? seatId.slice(rowName.length).replace(/^[-_]/, '') : seatId;
    const node = make('button', {
      type: 'button',
      className: 'seat',
      tabIndex: -1,
      textContent: short,
      data: { seat: seatId },
    });
    const seat = { seatId, node, state: '' };
    this.#seats.set(seatId, seat);
    this.#show(seat, state);
    return node;
  }

  #show(seat, state) {
    const isChosen = this.#isChosen(seat.seatId);
    const shown = isChosen ? 'chosen' : state;
    seat.state = state;
    if (seat.node.dataset.state === shown) return;
    seat.node.dataset.state = shown;
    seat.node.ariaLabel = `${seat.seatId}, ${isChosen ? 'chosen' : words[state]}`;
    seat.node.ariaPressed = String(isChosen);
    seat.node.ariaDisabled = String(state !== 'available');
  }

  #isChosen(seatId) {
    return this.#told.chosen.seatsOf(this.#sectionId).has(seatId);
  }

  #choose(seat, isChosen) {
    if (this.#isChosen(seat.seatId) !== isChosen) this.#told.chosen.setSeat(this.#sectionId, seat.seatId, isChosen);
  }

  #update(seats) {
    const lost = [];
    for (const { seatId, state } of seats) {
      const seat = this.#seats.get(seatId);
      if (!seat) continue;
      const isLost = state !== 'available' && this.#isChosen(seatId);
      if (isLost) lost.push(seatId);
      if (isLost) this.#choose(seat, false);
      // What was lost stays marked for as long as it is somebody's.
      if (!(seat.state === 'lost' && state !== 'available')) this.#show(seat, isLost ? 'lost' : state);
    }
    if (lost.length > 0) this.#told.lost(lost);
  }

  #press(node) {
    const seat = this.#seats.get(node?.dataset.seat);
    if (!seat) return;
    this.#reach(node);
    if (seat.state !== 'available') return write(this.#note, `${seat.seatId} is ${words[seat.state]}.`);
    const isChosen = this.#isChosen(seat.seatId);
    if (!isChosen && this.#told.chosen.room === 0) return this.#told.isFull();
    this.#choose(seat, !isChosen);
    this.#show(seat, seat.state);
    write(this.#note, `${listed([...this.#told.chosen.seatsOf(this.#sectionId)]) || 'No seat'} chosen.`);
  }

  #reach(node) {
    for (const other of this.#rows.querySelectorAll('.seat[tabindex="0"]')) other.tabIndex = -1;
    node.tabIndex = 0;
    node.focus();
  }

  #key(event) {
    const node = event.target.closest('.seat');
    const isAcross = event.key === 'ArrowUp' || event.key === 'ArrowDown';
    if (!node || !(isAcross || event.key in moves) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const row = node.closest('.row');
    const seats = [...row.querySelectorAll('.seat')];
    const at = seats.indexOf(node);
    if (!isAcross) return this.#reach(seats[Math.min(seats.length - 1, Math.max(0, at + moves[event.key]))]);
    const other = event.key === 'ArrowUp' ? row.previousElementSibling : row.nextElementSibling;
    const across = [...(other?.querySelectorAll('.seat') ?? [])];
    if (across.length > 0) this.#reach(across[Math.min(across.length - 1, at)]);
  }

  #legend() {
    const states = { available: 'Free', chosen: 'Chosen', sold: 'Taken', blocked: 'Not for sale' };
    const sample = (state, text) => make('li', {}, make('span', { className: 'seat sample', data: { state } }), text);
    return make(
      'ul',
      { className: 'legend', ariaHidden: 'true' },
      ...Object.entries(states).map(([state, text]) => sample(state, text)),
    );
  }
}

/** Seats by what their ids have in common before a number at their end; in blocks, where that says nothing. */
export function rowsOf(seats) {
  const sorted = [...seats].sort((a, b) => order.compare(a.seatId, b.seatId));
  const rows = Map.groupBy(sorted, ({ seatId }) => prefixOf(seatId));
  const isPlain = rows.size * 2 > sorted.length;
  const groups = isPlain ? [['', sorted]] : [...rows];
  return groups.flatMap(([prefix, all]) => {
    const name = trimmed(prefix, '-_');
    const blocks = Array.from({ length: Math.ceil(all.length / rowMost) }, (_, i) =>
      all.slice(i * rowMost, (i + 1) * rowMost),
    );
    return blocks.map((block) => {
      const isWhole = blocks.length === 1 && name !== '';
      return { name, label: isWhole ? `Row ${name}` : `${block[0].seatId} to ${block.at(-1).seatId}`, seats: block };
    });
  });
}

/** What stands before the number at the end of an id; empty where there is none. */
function prefixOf(seatId) {
  const prefix = trimmed(seatId, '0123456789');
  return prefix === seatId ? '' : prefix;
}

/** Without these characters at its end. */
function trimmed(text, characters) {
  let end = text.length;
  while (end > 0 && characters.includes(text[end - 1])) end -= 1;
  return text.slice(0, end);
}
