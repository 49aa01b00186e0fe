// The chat page: joining, the state of the connection, and what is told of the conversation.

import { Composer } from './composer.js';
import { ConversationLog, isolated, make } from './log.js';
import { PeopleList } from './people.js';
import { ChatSession } from './session.js';

// What is refused like this is refused the next time, too.
const final = new Set(['cannot_whisper_self', 'id_reused', 'validation_failed']);
const find = (id) => document.getElementById(id);
const socketUrl = new URL('ws', import.meta.url);
socketUrl.protocol = socketUrl.protocol.replace('http', 'ws');

const log = new ConversationLog({ scroller: find('log'), list: find('messages'), button: find('to-end') });
const session = new ChatSession(socketUrl, {
  status: showStatus,
  entered,
  message: told,
  whisper: told,
  sent: (id, { seq, deleted }) => {
    own.delete(id);
    log.settle(id, 'sent', { seq, deleted });
  },
  failed: (id, error) => {
    const retry = final.has(error.code) ? undefined : () => sayAgain(id);
    log.settle(id, 'failed', { reason: wordsOf(error), retry });
  },
  present: ({ type, name }) => log.note([isolated(name), ` ${type}`]),
  deleted: ({ seq }) => log.bury(seq),
  users: (users, isAll) => {
    people.show(users, { self: session.name, isAll });
    log.isFilling = false;
  },
  missed,
  error: (error) => alarm(wordsOf(error)),
  ended,
});
const composer = new Composer(
  {
    form: find('composer'),
    text: find('text'),
    label: find('text-label'),
    left: find('left'),
    end: find('whisper-end'),
  },
  {
    say,
    enter: (room) => session.enter(room),
    people: () => people.open(true),
    leave: () => session.leave(),
    tell: alarm,
  },
);
const people = new PeopleList(
  {
    panel: find('people'),
    list: find('users'),
    more: find('users-more'),
    counts: document.querySelectorAll('[data-count]'),
    toggle: find('people-toggle'),
  },
  (name) => {
    people.open(false);
    composer.whisperTo(name);
    composer.focus();
  },
);
// What was said and is not sent, by id, for a second attempt.
const own = new Map();
let countdown;
let unseen = 0;

function say(text, to, id) {
  const said = session.say(text, to, id);
  own.set(said, { text, to, room: session.room });
  alarm('');
  if (id === undefined)
    log.message({ id: said, from: session.name, to, text, at: new Date().toISOString() }, 'sending');
  else log.settle(id, 'sending');
}

function sayAgain(id) {
  const { text, to, room } = own.get(id);
  if (!session.isOn) alarm('Join again first.');
  else if (to === undefined && room !== session.room) alarm(`This was written in #${room}. Go there to say it again.`);
  else say(text, to, id);
}

function told(frame) {
  const isOwn = session.isOwn(frame);
  log.message(frame, isOwn ? 'sent' : undefined);
  if (!isOwn && document.hidden) showTitle(unseen + 1);
}

function entered({ room, seq, isNew, isReset }) {
  if (isReset) {
    log.renumber();
    log.note(['The server has begun a new conversation. Earlier messages may be missing.']);
  }
  if (!isNew) return;
  if (find('chat-view').hidden) {
    log.clear();
    show('chat-view');
  }
  log.renumber();
  log.isFilling = true;
  // Before and after what was said here until now.
  log.note(['#', isolated(room)], { kind: 'heading', seq: -1 });
  log.note(['You joined as ', isolated(session.name)], { seq: seq + 0.5 });
  find('room-name').textContent = room;
  find('change-room').ariaLabel = `${room}, change room`;
  remember({ name: session.name, room });
  composer.room = room;
  composer.focus();
  showTitle(0);
  alarm('');
}

function missed(count, after) {
  const text = `You missed ${count} ${count === 1 ? 'message' : 'messages'}`;
  if (after === undefined) return log.note([text], { kind: 'note missed' });
  const load = make('button', { type: 'button', className: 'link', textContent: 'Load them' });
  const note = log.note([text, ' ', load], { kind: 'note missed', seq: after + 0.5 });
  load.addEventListener('click', () => {
    session.recall(after);
    note.remove();
    composer.focus();
  });
}

/** Says what is wrong until it is dismissed, or something is said that is right. */
function alarm(message) {
  find('alert').textContent = message;
  find('alert-box').hidden = message === '';
}

function showStatus({ state, until }) {
  clearInterval(countdown);
  const words = { connecting: 'Connecting', connected: 'Connected', waiting: 'Reconnecting', offline: 'Offline' };
  find('status').dataset.state = state;
  find('status-text').textContent = words[state] ?? 'Disconnected';
  find('status-time').textContent = '';
  const isOver = state === 'ended';
  find('join-again').hidden = !isOver;
  find('leave').hidden = find('people-toggle').hidden = find('change-room').disabled = isOver;
  composer.isOpen = !isOver;
  if (state !== 'waiting') return;
  // Not part of what is read out: it would be every second.
  const count = () => {
    find('status-time').textContent = ` in ${Math.max(1, Math.ceil((until - performance.now()) / 1000))} s`;
  };
  count();
  countdown = setInterval(count, 250);
}

/** Without an error one has left; else what was said can still be read. */
function ended(error) {
  find('join-button').ariaDisabled = 'false';
  if (!error) return show('join-view');
  if (find('join-view').hidden) {
    find('join-again').focus();
    return alarm(wordsOf(error));
  }
  find('join-alert').textContent = wordsOf(error);
  const isName = error.code.startsWith('username');
  find('join-name').ariaInvalid = String(isName);
  if (isName) find('join-name').focus();
  if (error.code !== 'token_invalid') return;
  find('join-token-details').open = true;
  find('join-token').focus();
}

/** The server's words, with times as people here read them. */
function wordsOf({ code, message }) {
  const words = message.replace(/\d{4}-\d\d-\d\dT[\d:.]{8,12}Z/gu, (time) =>
    new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' }),
  );
  return code === 'muted' ? `You are muted ${words}` : words;
}

function show(view) {
  for (const id of ['join-view', 'chat-view']) find(id).hidden = id !== view;
  people.open(false);
  if (view === 'chat-view') return;
  document.title = 'Aerie chat';
  find('join-alert').textContent = '';
  find('join-name').focus();
}

function showTitle(count) {
  unseen = count;
  document.title = `${count > 0 ? `(${count}) ` : ''}#${session.room} - Aerie chat`;
}

/** For the next visit. A browser may refuse to store anything. */
function remember(values) {
  try {
    localStorage.setItem('aerie-chat', JSON.stringify(values));
  } catch {}
}

function recollect() {
  try {
    return JSON.parse(localStorage.getItem('aerie-chat')) ?? {};
  } catch {
    return {};
  }
}

function join(event) {
  event.preventDefault();
  if (find('join-button').ariaDisabled === 'true') return;
  const [name, room, token] = ['join-name', 'join-room', 'join-token'].map((id) => find(id).value.trim());
  find('join-alert').textContent = name || token ? '' : 'Please enter a name.';
  if (!name && !token) return find('join-name').focus();
  find('join-button').ariaDisabled = 'true';
  session.join({ name, token, room: room || 'lobby' });
}

function changeRoom(event) {
  event.preventDefault();
  const room = find('room-input').value.trim();
  find('room-dialog').close();
  if (room !== '' && room !== session.room) session.enter(room);
  composer.focus();
}

find('join-form').addEventListener('submit', join);
find('join-again').addEventListener('click', () => show('join-view'));
find('leave').addEventListener('click', () => session.leave());
find('alert-close').addEventListener('click', () => {
  alarm('');
  composer.focus();
});
find('change-room').addEventListener('click', () => {
  find('room-input').value = session.room;
  find('room-dialog').showModal();
  find('room-input').select();
});
find('room-form').addEventListener('submit', changeRoom);
find('room-cancel').addEventListener('click', () => find('room-dialog').close());
document.addEventListener('visibilitychange', () => unseen > 0 && !document.hidden && showTitle(0));

const { name = '', room = 'lobby' } = recollect();
find('join-name').value = name;
find('join-room').value = room;
find('join-name').focus();
