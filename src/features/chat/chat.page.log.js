// The list of what was said, in the order of the messages' numbers.

const mostKept = 500;
const endPx = 48;
const groupMs = 5 * 60_000;
const tones = 6;
const states = { sending: 'sending', sent: 'sent', failed: 'not sent' };
const tick = '\u2713';

/** An element with properties and children. Text is always text: nothing here is read as markup. */
export function make(tag, properties = {}, ...children) {
  const { data = {}, ...rest } = properties;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, data);
  node.append(...children);
  return node;
}

/** Somebody's words, which may run from right to left and must not turn around what stands beside them. */
export function isolated(text) {
  return make('bdi', { dir: 'auto', textContent: text });
}

/** A letter for somebody, in a colour that is always the same. */
export function avatar(name) {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 9973;
  return make('span', {
    className: `avatar tone-${sum % tones}`,
    ariaHidden: 'true',
    textContent: [...name][0]?.toUpperCase(),
  });
}

/** Anybody can take a name that is free; who has an account has proved to be its owner. */
export function accountBadge() {
  return make('span', { className: 'badge', title: 'Logged in with an account', textContent: 'account' });
}

/**
 * The log keeps to its end while it is there, and says how many messages are new while it is not. It has at most 500 lines;
 * the oldest go.
 */
export class ConversationLog {
  #scroller;
  #list;
  #button;
  #bySeq = new Map();
  #byId = new Map();
  // Numbers of messages that were deleted and are not here: they may come yet.
  #buried = new Set();
  #isAtEnd = true;
  #end = 0;
  #unread = 0;
  #latest = 0;

  constructor({ scroller, list, button }) {
    this.#scroller = scroller;
    this.#list = list;
    this.#button = button;
    // Scrolled with the keyboard, too.
    scroller.tabIndex = 0;
    scroller.addEventListener('scroll', () => this.#scrolled());
    button.addEventListener('click', () => this.#goToEnd());
    new ResizeObserver(() => this.#follow()).observe(scroller);
  }

  /** While what was said before is coming, screen readers are silent and the end is followed. */
  set isFilling(value) {
    this.#scroller.ariaBusy = String(value);
    if (value) this.scrollToEnd();
  }

  clear() {
    this.#list.replaceChildren();
    this.renumber();
    this.#byId.clear();
    this.scrollToEnd();
  }

  /** The numbers begin anew: those that there are order nothing any more. */
  renumber() {
    for (const node of this.#bySeq.values()) delete node.dataset.seq;
    this.#bySeq.clear();
    this.#buried.clear();
    this.#latest = 0;
  }

  /** A line about the conversation, where the number would be. */
  note(parts, { seq, kind = 'note' } = {}) {
    const node = make('li', { className: kind }, ...parts);
    this.#insert(node, seq);
    return node;
  }

  /** `message` is a frame; `own` is its state, if it is one's own. */
  message({ id, seq, from, to, text, at, deleted, userId = '' }, own) {
    if (own && this.#byId.has(id)) return this.settle(id, own, { seq, deleted });
    // One's own stand below each other whether or not the server has said yet whose they are.
    const user = own ? 'own' : userId;
    const node = make('li', { className: 'message', data: { from, user, at: String(Date.parse(at)) } });
    if (own) node.classList.add('own');
    if (to !== undefined) node.classList.add('whisper');
    if (to !== undefined) node.dataset.to = to;
    const author = make('p', { className: 'author' }, own ? 'You' : isolated(from));
    if (userId && !own) author.append(' ', accountBadge());
    node.append(avatar(from), author, bubble({ to, text, at, own }));
    if (deleted) bury(node);
    if (id !== undefined && own) this.#byId.set(id, node);
    if (own) mark(node, own);
    this.#insert(node, seq, !own);
    if (own === 'sending') this.scrollToEnd();
  }

  /** What became of a message of one's own; when it failed, why, and `retry` is offered. */
  settle(id, state, { seq, deleted, reason, retry } = {}) {
    const node = this.#byId.get(id);
    if (!node) return;
    mark(node, state, reason, retry);
    if (deleted) bury(node);
    if (seq !== undefined && node !== this.#list.lastElementChild) this.#insert(node, seq);
    else this.#number(node, seq);
    // It may be higher now.
    this.#follow();
  }

  /** A tombstone in place of the message, also when that comes later. */
  bury(seq) {
    const node = this.#bySeq.get(seq);
    if (node) bury(node);
    else this.#buried.add(seq);
    this.#follow();
  }

  scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#end = this.#scroller.scrollHeight - this.#scroller.clientHeight;
    this.#isAtEnd = true;
    this.#tell(0);
  }

  #follow() {
    if (this.#isAtEnd) this.scrollToEnd();
  }

  #insert(node, seq, isNews = false) {
    const next = seq === undefined ? null : this.#firstAfter(seq, node);
    const left = node.nextElementSibling;
    if (left !== next || !node.isConnected) this.#list.insertBefore(node, next);
    const isLater = seq === undefined || seq > this.#latest;
    this.#number(node, seq);
    for (const each of [left, node, node.nextElementSibling]) if (each) group(each);
    while (this.#list.childElementCount > mostKept) this.#removeOldest();
    if (this.#isAtEnd) this.scrollToEnd();
    else if (isNews && isLater) this.#tell(this.#unread + 1);
  }

  #number(node, seq) {
    if (seq === undefined) return;
    node.dataset.seq = String(seq);
    this.#bySeq.set(seq, node);
    if (this.#buried.has(seq)) bury(node);
    this.#latest = Math.max(this.#latest, seq);
  }

  /** The first line that belongs after the number: also what is on its way; other lines stay with what is before them. */
  #firstAfter(seq, node) {
    let first = null;
    for (let each = this.#list.lastElementChild; each; each = each.previousElementSibling) {
      const own = each.dataset.seq ?? (each.dataset.state === 'sending' ? Infinity : undefined);
      if (own === undefined || each === node) continue;
      if (Number(own) < seq) break;
      first = each;
    }
    return first;
  }

  #removeOldest() {
    const [first, second] = this.#list.children;
    // What was missed is told until something else was.
    const oldest = isMissed(first) && !isMissed(second) ? second : first;
    oldest.remove();
    this.#bySeq.delete(Number(oldest.dataset.seq));
    for (const [id, node] of this.#byId) if (node === oldest) this.#byId.delete(id);
    group(this.#list.firstElementChild);
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const end = scrollHeight - clientHeight;
    // Nobody has scrolled away: it is the end that has gone elsewhere.
    if (this.#isAtEnd && end !== this.#end) return this.scrollToEnd();
    this.#isAtEnd = end - scrollTop < endPx;
    if (this.#isAtEnd) this.#tell(0);
  }

  #goToEnd() {
    this.scrollToEnd();
    this.#scroller.focus();
  }

  #tell(unread) {
    this.#unread = unread;
    this.#button.hidden = unread === 0;
    this.#button.textContent = unread === 1 ? '1 new message' : `${unread} new messages`;
  }
}

function isMissed(node) {
  return node.classList.contains('missed');
}

function bubble({ to, text, at, own }) {
  const node = make('div', { className: 'bubble' });
  if (to !== undefined)
    node.append(make('p', { className: 'kind' }, ...(own ? ['Whisper to ', isolated(to)] : ['Whisper to you'])));
  const meta = make('p', { className: 'meta' }, time(at));
  if (own) meta.append(make('span', { className: 'state' }));
  const words = make('p', { className: 'text', dir: 'auto', textContent: text });
  node.append(make('div', { className: 'line' }, words, meta));
  return node;
}

function time(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  const shown = date.toLocaleString([], { timeStyle: 'short', ...(isToday ? {} : { dateStyle: 'medium' }) });
  return make('time', { dateTime: at, title: date.toLocaleString(), textContent: shown });
}

function mark(node, state, reason, retry) {
  node.dataset.state = state;
  const said = node.querySelector('.state');
  if (state === 'sent')
    said.replaceChildren(hidden(tick), make('span', { className: 'visually-hidden', textContent: 'sent' }));
  else said.replaceChildren(reason ? `${states[state]}: ${reason}` : states[state]);
  if (retry)
    said.append(' ', make('button', { type: 'button', className: 'link', textContent: 'Try again', onclick: retry }));
}

/** What is seen and not read out. */
function hidden(text) {
  return make('span', { ariaHidden: 'true', textContent: text });
}

function bury(node) {
  node.classList.add('deleted');
  node.querySelector('.text').textContent = 'This message was deleted.';
}

/** The author stands over the first of several messages that follow each other. */
function group(node) {
  const before = node.previousElementSibling;
  const isSame = ['from', 'to', 'user'].every((key) => before?.dataset[key] === node.dataset[key]);
  const isSoon = Math.abs(Number(node.dataset.at) - Number(before?.dataset.at)) < groupMs;
  node.classList.toggle('grouped', node.dataset.from !== undefined && isSame && isSoon);
}
