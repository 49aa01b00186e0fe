// The connection of the chat page. What is said is kept until the server has it, and a connection that is lost is made again
// and goes on where it ended.

import { ChatOutbox, newId } from './outbox.js';
import { ChatUsers } from './users.js';

const welcomeMs = 10_000;
const silenceMs = 45_000;
const stableMs = 10_000;
const shortestDelayMs = 500;
const longestDelayMs = 30_000;
const recentMessages = 50;
const numbersKept = 2000;
// After these a new connection is of use: the server stops, starts again or has too much to do; the network failed; or this
// page was too slow to say hello (4008) or to read (4013), or too quick (4029).
const temporaryCloses = new Set([1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 4008, 4013, 4029]);
const temporaryErrors = new Set(['unavailable', 'slow_down', 'too_many_rooms']);
// So long a name may be taken by one's own connection that was cut off, until the server has noticed.
const staleNameMs = 90_000;
// What is as it was: the server will do it a moment later.
const delays = new Set(['slow_down', 'unavailable']);
const unreachable = { code: 'unreachable', message: 'The server cannot be reached. Please try again.' };

/**
 * One person in the conversation. `listener` has a method for each thing that it may be told: `status({ state, until })` with
 * the states connecting, connected, waiting (until then), offline and ended; `entered({ name, room, seq, isNew, isReset })`,
 * where the numbers begin anew after `isReset`;
 * `message(frame)`, each once and not always in the order of `seq`; `whisper(frame)`; `sent(id, frame)`; `failed(id, error)`;
 * `present(frame)` for joined and left; `deleted(frame)`; `users(users, isAll)`, each with `name` and `userId`, which is empty
 * for a free name; `missed(count, after)`, where the messages after the number `after` can be recalled unless it is undefined;
 * `error(error)`; and `ended(error)`.
 */
export class ChatSession {
  name = '';
  room = '';
  #url;
  #listener;
  #socket;
  #who;
  #userId;
  #epoch;
  #seq;
  #seen = new Set();
  #isIn = false;
  #isOn = false;
  #names = new Set();
  #failures = 0;
  #since = 0;
  #lostAt = 0;
  #bye;
  #timers = {};
  #outbox = new ChatOutbox(
    (frame) => this.#send(frame),
    () => this.#retry(),
  );
  #users = new ChatUsers(this.#outbox, (users, isAll) => this.#listener.users(users, isAll));

  constructor(url, listener) {
    this.#url = url;
    this.#listener = listener;
    addEventListener('offline', () => this.#socket && this.#retry());
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => !document.hidden && this.#hurry());
  }

  /** From the first welcome until the end, also while there is no connection. */
  get isOn() {
    return this.#isOn;
  }

  /** Joins anew; who has a token is called as the token says. */
  join({ name, token, room }) {
    this.#who = token ? { token } : { name };
    this.room = room;
    this.#epoch = this.#seq = undefined;
    this.#names.clear();
    this.#isOn = false;
    this.#failures = 0;
    this.#outbox.requests = [];
    this.#connect();
  }

  /** Sends a message to the room, or to one person. Returns the id by which the listener hears what became of it. */
  say(text, to, id = newId()) {
    this.#outbox.add(to ? { type: 'whisper', to, text, id } : { type: 'say', text, id });
    return id;
  }

  enter(room) {
    this.#outbox.add({ type: 'join', room });
  }

  /** Has the messages of this room after a number told that were not told yet. */
  recall(afterSeq) {
    this.#outbox.add({ type: 'join', room: this.room, afterSeq, epoch: this.#epoch });
  }

  /** True for what this person's account has said, from whatever device; without one, for a name that this person has, or had. */
  isOwn({ from, userId }) {
    return userId === this.#userId && (userId !== undefined || this.#names.has(from));
  }

  leave() {
    if (this.#isIn) this.#send({ type: 'exit' });
    this.#end();
  }

  #connect() {
    this.#drop();
    this.#listener.status({ state: 'connecting' });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#bye = undefined;
    socket.onopen = () => this.#send({ type: 'hello', ...this.#who, ...this.#place() });
    socket.onmessage = ({ data }) => socket === this.#socket && this.#receive(JSON.parse(data));
    socket.onclose = (event) => socket === this.#socket && this.#closed(event);
    this.#timers.welcome = setTimeout(() => this.#retry(), welcomeMs);
  }

  #place() {
    return this.#seq === undefined ? { room: this.room } : { room: this.room, afterSeq: this.#seq, epoch: this.#epoch };
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isIn = false;
    this.#outbox.close();
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#users.stop();
    socket?.close();
  }

  #closed({ code, reason }) {
    const told = this.#bye ?? { code: `closed_${code}`, message: reason || 'The connection was closed.' };
    if (temporaryCloses.has(code)) this.#retry();
    else this.#end(told);
  }

  /** Connects again: each time after about twice as long, and not everybody at the same moment. */
  #retry() {
    if (!this.#isOn) return this.#end(this.#bye ?? unreachable);
    if (this.#isIn) this.#lostAt = performance.now();
    if (this.#isIn && this.#lostAt - this.#since > stableMs) this.#failures = 0;
    this.#drop();
    if (!navigator.onLine) return this.#listener.status({ state: 'offline' });
    const delay = Math.min(longestDelayMs, shortestDelayMs * 2 ** this.#failures) * (0.5 + Math.random() / 2);
    this.#failures += 1;
    this.#listener.status({ state: 'waiting', until: performance.now() + delay });
    this.#timers.retry = setTimeout(() => this.#connect(), delay);
  }

  #hurry() {
    if (this.#isOn && !this.#socket) this.#connect();
  }

  #end(error) {
    this.#drop();
    this.#isOn = false;
    const unsent = this.#outbox.requests.filter(({ id }) => id !== undefined);
    this.#outbox.requests = [];
    for (const { id } of unsent)
      this.#listener.failed(id, { code: 'ended', message: 'The conversation ended before.' });
    this.#listener.status({ state: 'ended' });
    this.#listener.ended(error);
  }

  #receive(frame) {
    clearTimeout(this.#timers.silence);
    this.#timers.silence = setTimeout(() => this.#users.ask(), silenceMs);
    if (!this.#isIn && frame.type === 'error') this.#refused(frame);
    else this.#frames[frame.type]?.(frame);
  }

  #frames = {
    welcome: (frame) => this.#welcome(frame),
    room: (frame) => this.#entered(frame),
    message: (frame) => this.#message(frame),
    whisper: (frame) => this.#whisper(frame),
    said: (frame) => this.#sent(frame),
    joined: (frame) => this.#present(frame),
    left: (frame) => this.#present(frame),
    deleted: (frame) => this.#isHere(frame) && this.#listener.deleted(frame),
    users: (frame) => this.#users.take(frame),
    missed: (frame) => this.#missed(frame),
    error: (frame) => this.#error(frame),
    bye: (frame) => {
      this.#bye = frame;
    },
  };

  #refused(error) {
    const isStale = error.code === 'username_taken' && performance.now() - this.#lostAt < staleNameMs;
    if (this.#isOn && (isStale || temporaryErrors.has(error.code))) this.#retry();
    else this.#end(error);
  }

  #welcome(frame) {
    clearTimeout(this.#timers.welcome);
    this.#isIn = this.#isOn = true;
    this.#since = performance.now();
    this.name = frame.name;
    this.#userId = frame.userId;
    this.#names.add(frame.name);
    this.#listener.status({ state: 'connected' });
    this.#enter(frame);
    this.#outbox.open();
  }

  /** The answer to `join`, or, unasked, that messages of this room are gone. */
  #entered(frame) {
    const { first } = this.#outbox;
    const isNews = frame.room === this.room && first?.afterSeq === undefined && (frame.reset || frame.count > 0);
    const isAnswer = !isNews && first?.type === 'join';
    if (isAnswer) this.#outbox.settle((request) => request === first);
    // Who recalls what there was before has not missed it.
    this.#enter(isAnswer ? { ...frame, count: 0 } : frame);
  }

  #enter({ room, seq, epoch, count = 0, reset = false }) {
    const isNew = this.#epoch === undefined || room !== this.room;
    const isOther = isNew || reset || epoch !== this.#epoch;
    this.room = room;
    this.#epoch = epoch;
    if (isOther) this.#seen.clear();
    if (isOther) this.#seq = isNew ? seq : 0;
    this.#listener.entered({ name: this.name, room, seq, isNew, isReset: isOther && !isNew });
    if (count > 0) this.#listener.missed(count);
    if (isNew && seq > 0) this.recall(Math.max(0, seq - recentMessages));
    this.#users.ask();
  }

  /** True for what has a number of those that this room has now. */
  #isHere({ room, epoch }) {
    return room === this.room && epoch === this.#epoch;
  }

  #message(frame) {
    if (!this.#isHere(frame) || this.#seen.has(frame.seq)) return;
    this.#seen.add(frame.seq);
    if (this.#seen.size > numbersKept) this.#seen.delete(this.#seen.values().next().value);
    this.#seq = Math.max(this.#seq, frame.seq);
    if (!this.#sent(frame)) this.#listener.message(frame);
  }

  #whisper(frame) {
    if (!this.#sent(frame)) this.#listener.whisper(frame);
  }

  /** True for the answer to a message of one's own that waited for it. */
  #sent(frame) {
    if (frame.id === undefined || !(frame.type === 'said' || this.isOwn(frame))) return false;
    const request = this.#outbox.settle(({ id }) => id === frame.id);
    if (request) this.#listener.sent(frame.id, frame);
    return request !== undefined;
  }

  #present(frame) {
    if (frame.room !== this.room || frame.name === this.name) return;
    this.#listener.present(frame);
    this.#users.askSoon();
  }

  #missed({ messages = 0, room = this.room }) {
    if (messages > 0 && room === this.room) this.#listener.missed(messages, this.#seq);
    this.#users.askSoon();
  }

  /** It is about the message with its id, or else about the request that is on its way. */
  #error(error) {
    const { first } = this.#outbox;
    const isAbout = error.id === undefined ? (request) => request === first : ({ id }) => id === error.id;
    if (delays.has(error.code) && first && isAbout(first)) this.#outbox.postpone(error.retryAfterMs ?? 1000);
    else {
      const request = this.#outbox.settle(isAbout);
      if (request?.id !== undefined) this.#listener.failed(request.id, error);
    }
    this.#listener.error(error);
  }
}
