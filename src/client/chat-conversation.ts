import type { ClientFrame, ServerFrame } from '../generated/aerie/chat/v1/chat';
import type { AppError } from '../shared/errors/app-error';
import { deadlineExceeded, unavailable } from '../shared/errors/common.errors';
import { fatalOf, isAnswer, passes, refusalOf } from './chat-answers';
import type { ChatLink, ChatListener } from './chat-link';
import { ChatBackOff, SpeakingPace } from './chat-pace';
import { ChatPlace } from './chat-place';

const answerMs = 10_000;
const [replayMs, byeMs, missedMs] = [2000, 1000, 200];
/** A connection that lasts so long was a good one: the next pause is a short one again. */
const goodMs = 10_000;
const [maxTries, maxQueue] = [20, 100];

/** Where the conversation is shown. */
export interface ChatShow {
  /** What the server has told. */
  show(frame: ServerFrame): void;
  /** What happens to the connection, in words. */
  note(words: string): void;
}

export interface ChatOptions {
  readonly name?: string | undefined;
  readonly room: string;
  /** How long a lost connection is tried again before the client gives up. Milliseconds. */
  readonly patienceMs: number;
}

/**
 * One client's part in the conversation, over as many connections as it takes. It says one thing at a time, each until the
 * server has answered it, at most ten a second; after a lost connection it says again what was not answered, under the same
 * id, and hears exactly the rest.
 */
export class ChatConversation {
  /** How much of what was to be said was refused, or left unsaid. */
  refused = 0;
  /** Resolves when the client has left; rejects with the AppError that ended the conversation. */
  readonly over: Promise<void>;
  private readonly queue: ClientFrame[] = [];
  private asked: ClientFrame | undefined;
  private tries = 0;
  private link: ChatLink | undefined;
  private state: 'connecting' | 'greeting' | 'in' | 'lost' | 'over' = 'connecting';
  private leaving = false;
  private bye: ServerFrame | undefined;
  private name: string | undefined;
  private connectedAt = 0;
  private lostAt: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private roomFor: (() => void)[] = [];
  private settle: ((error?: AppError) => void) | undefined;
  private readonly place: ChatPlace;
  private readonly pace = new SpeakingPace();
  private readonly backOff = new ChatBackOff();

  constructor(
    private readonly connect: (listener: ChatListener) => ChatLink,
    private readonly shown: ChatShow,
    private readonly options: ChatOptions,
  ) {
    this.place = new ChatPlace(options.room);
    this.over = new Promise((resolve, reject) => {
      this.settle = (error) => (error ? reject(error) : resolve());
    });
    this.over.catch(() => undefined);
    this.open();
  }

  /** Says something as soon as it can be said, after all before it. */
  say(frame: ClientFrame): void {
    if (this.state === 'over') return;
    this.queue.push(frame);
    this.next();
  }

  /** Resolves when little waits to be said. */
  get ready(): Promise<void> {
    if (this.state === 'over' || this.queue.length < maxQueue) return Promise.resolve();
    return new Promise((resolve) => this.roomFor.push(resolve));
  }

  /** Leaves when all is said. */
  leave(): void {
    this.leaving = true;
    this.next();
  }

  /** Leaves at once; what was not said stays unsaid. */
  quit(): void {
    const isLeaving = this.state !== 'in' || this.asked?.type === 'exit';
    const unsaid = this.queue.splice(0).length + (this.asked && !isLeaving ? 1 : 0);
    if (unsaid > 0) this.shown.note(`Not said any more: ${unsaid}`);
    this.refused += unsaid;
    this.asked = undefined;
    if (isLeaving) this.end();
    else this.leave();
  }

  private open(): void {
    this.state = 'connecting';
    this.bye = undefined;
    this.await(answerMs, () => this.closed(deadlineExceeded()));
    this.link = this.connect({
      opened: () => this.greet(),
      heard: (frame) => this.heard(frame),
      closed: (error) => this.closed(error),
    });
  }

  private greet(): void {
    this.state = 'greeting';
    this.send({ type: 'hello', name: this.options.name, ...this.place.resume });
  }

  /** Sends what is answered within ten seconds, or the connection is taken for dead. */
  private send(frame: ClientFrame): void {
    this.pace.took(performance.now());
    this.await(answerMs, () => this.closed(deadlineExceeded()));
    this.link?.send(frame);
  }

  private heard(frame: ServerFrame): void {
    switch (frame.type) {
      case 'welcome':
        this.welcomed(frame);
        return;
      case 'error':
        this.failed(frame);
        return;
      case 'bye':
        this.bye = frame;
        this.shown.show(frame);
        if (this.asked?.type === 'exit') this.end();
        return;
      case 'room':
        this.place.stand(frame);
        this.shown.show(frame);
        break;
      case 'message':
        if (this.place.isNews(frame)) this.shown.show(frame);
        // It was said before the connection was lost.
        if (frame.id !== undefined && this.queue[0]?.id === frame.id) this.queue.shift();
        if (this.place.isCaughtUp && !this.asked) this.awaited();
        break;
      case 'deleted':
        if (this.place.isDeletion(frame)) this.shown.show(frame);
        break;
      default:
        this.shown.show(frame);
    }
    // The answer may be among what was missed.
    if (frame.type === 'missed' && this.asked) this.await(missedMs, () => this.askAgain());
    if (this.asked && isAnswer(frame, this.asked)) this.answered(frame);
    else this.next();
  }

  private welcomed(frame: ServerFrame): void {
    this.place.enter(frame);
    this.state = 'in';
    this.connectedAt = performance.now();
    this.lostAt = undefined;
    this.awaited();
    if (this.name !== frame.name || frame.reset || frame.count !== undefined) this.shown.show(frame);
    else this.shown.note('Connected again.');
    this.name = frame.name;
    // Messages that were said meanwhile come first: one's own may be among them.
    if (!this.place.isCaughtUp) this.await(replayMs, () => this.next());
    this.next();
  }

  private failed(frame: ServerFrame): void {
    if (this.state === 'greeting') {
      this.unwelcome(frame);
      return;
    }
    const { asked } = this;
    const isAbout = asked && (frame.id === undefined || frame.id === asked.id);
    if (isAbout && passes(frame) && this.tries < maxTries) {
      this.tries += 1;
      this.await(frame.retryAfterMs ?? 1000, () => this.askAgain());
      return;
    }
    this.shown.show(frame);
    if (!isAbout) return;
    this.refused += 1;
    this.answered(frame);
  }

  /** The server does not take the client as it is; or not now, as when it has not noticed that the connection before is gone. */
  private unwelcome(frame: ServerFrame): void {
    const isMine = frame.code === 'username_taken' && this.name !== undefined;
    if (!isMine && !passes(frame)) {
      this.end(refusalOf(frame));
      return;
    }
    if (this.lostAt === undefined) this.shown.note(`${frame.code}: ${frame.message}; trying again ...`);
    this.hangUp();
    this.state = 'lost';
    this.again(refusalOf(frame), frame.retryAfterMs);
  }

  private answered(frame: ServerFrame): void {
    const { asked } = this;
    this.asked = undefined;
    this.tries = 0;
    this.awaited();
    if (asked?.type === 'users' && frame.type === 'users' && frame.more)
      this.queue.unshift({ type: 'users', after: frame.users.at(-1) });
    this.next();
  }

  private askAgain(): void {
    if (this.asked && this.state === 'in') this.send(this.asked);
  }

  /** Says what is next, if it may be said now. */
  private next(): void {
    for (const resolve of this.queue.length < maxQueue ? this.roomFor.splice(0) : []) resolve();
    if (this.leaving && this.queue.length === 0 && !this.asked) this.goodbye();
    if (this.state !== 'in' || this.asked || this.timer || this.queue.length === 0) return;
    const wait = this.pace.waitMs(performance.now());
    if (wait > 0) {
      this.await(wait, () => this.next());
      return;
    }
    this.asked = this.queue.shift();
    if (this.asked) this.send(this.asked);
  }

  /** All is said: `bye` comes, or nobody waits for it any longer. */
  private goodbye(): void {
    if (this.state !== 'in') {
      // Before the first welcome there may be something to hear of: that it fails.
      if (this.state === 'lost' || this.name !== undefined) this.end();
      return;
    }
    this.asked = { type: 'exit' };
    this.send(this.asked);
    this.await(byeMs, () => this.end());
  }

  private closed(error?: AppError): void {
    this.hangUp();
    if (this.state === 'over') return;
    if (this.asked?.type === 'exit') {
      this.end();
      return;
    }
    const was = this.state;
    this.state = 'lost';
    if (this.asked) this.queue.unshift(this.asked);
    this.asked = undefined;
    const fatal = fatalOf(this.bye, error);
    if (fatal || this.name === undefined) {
      this.end(fatal ?? error ?? unavailable());
      return;
    }
    if (was === 'in' && performance.now() - this.connectedAt > goodMs) this.backOff.reset();
    if (this.lostAt === undefined) this.shown.note('The connection is lost; connecting again ...');
    this.again(error ?? unavailable());
  }

  /** Connects once more after a pause, unless it is not worth it. */
  private again(error: AppError, leastMs = 0): void {
    this.lostAt ??= performance.now();
    if (performance.now() - this.lostAt >= this.options.patienceMs) this.end(error);
    else if (this.leaving && this.queue.length === 0) this.end();
    else this.await(Math.max(leastMs, this.backOff.next()), () => this.open());
  }

  private end(error?: AppError): void {
    if (this.state === 'over') return;
    this.state = 'over';
    this.hangUp();
    if (error && this.queue.length > 0) this.shown.note(`Not said: ${this.queue.length}`);
    for (const resolve of this.roomFor.splice(0)) resolve();
    this.settle?.(error);
  }

  private hangUp(): void {
    this.awaited();
    this.link?.close();
    this.link = undefined;
  }

  /** One thing is waited for at a time. */
  private await(ms: number, then: () => void): void {
    this.awaited();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      then();
    }, ms);
  }

  private awaited(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
