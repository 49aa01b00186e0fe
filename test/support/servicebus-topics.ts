import { randomBytes } from 'node:crypto';
import type { Message } from 'rhea';

// What Service Bus does with messages: topics, subscriptions with sessions, locks that expire. Nothing of AMQP is here.

export interface Rules {
  /** Milliseconds until a lock that is not renewed is lost. */
  readonly lockMs: number;
  /** After so many deliveries a message is put aside. */
  readonly maxDeliveries: number;
}

export interface Kept {
  readonly message: Message;
  readonly sessionId: string;
  readonly sequence: number;
  readonly enqueuedAt: number;
  /** Before this one. */
  deliveries: number;
  /** Why it is a dead letter. */
  reason?: string;
}

/** Somebody who asks for the next session, and then has it. */
export interface Taker {
  /** It has the lock of the session. */
  opened(session: Session): void;
  /** How many messages it has asked for and not been given. */
  room(): number;
  give(kept: Kept, tag: Buffer, lockedUntil: number): void;
  /** It has lost the lock. */
  lost(): void;
}

export type Outcome = 'completed' | 'abandoned' | 'rejected';

/** The messages of one session, oldest first, and who has the lock of them. */
export class Session {
  readonly waiting: Kept[] = [];
  private readonly held = new Map<string, Kept>();
  private taker: Taker | undefined;
  private expiry: NodeJS.Timeout | undefined;
  lockedUntil = 0;

  constructor(
    readonly id: string,
    private readonly subscription: Subscription,
    private readonly rules: Rules,
  ) {}

  get isFree(): boolean {
    return this.taker === undefined && this.waiting.length > 0;
  }

  get isLocked(): boolean {
    return this.taker !== undefined;
  }

  get oldest(): number {
    return this.waiting[0]?.sequence ?? Number.POSITIVE_INFINITY;
  }

  get kept(): number {
    return this.waiting.length + this.held.size;
  }

  isHeldBy(taker: Taker): boolean {
    return this.taker === taker;
  }

  lock(taker: Taker): void {
    this.taker = taker;
    this.renew();
    taker.opened(this);
  }

  renew(): void {
    clearTimeout(this.expiry);
    this.lockedUntil = Date.now() + this.rules.lockMs;
    // It was delivered, as far as the service knows.
    const expiry = setTimeout(() => void this.expire(expiry), this.rules.lockMs);
    this.expiry = expiry;
  }

  /** Where the thread stood still, a renewal has come and was not read yet: timers go first. */
  private async expire(expiry: NodeJS.Timeout): Promise<void> {
    for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    if (this.expiry === expiry) this.free(true);
  }

  /** Gives out what there is room for. */
  pump(): void {
    while (this.taker && this.waiting.length > 0 && this.taker.room() > 0) {
      const [kept] = this.waiting.splice(0, 1) as [Kept];
      const tag = randomBytes(16);
      this.held.set(tag.toString('hex'), kept);
      this.taker.give(kept, tag, this.lockedUntil);
    }
  }

  /** Answers whether the message was still locked. `reason`: why it is rejected. */
  finish(tag: Buffer, outcome: Outcome, reason = ''): boolean {
    const kept = this.held.get(tag.toString('hex'));
    if (!kept) return false;
    this.held.delete(tag.toString('hex'));
    if (outcome === 'rejected') this.subscription.deadLetters.push({ ...kept, reason });
    if (outcome === 'abandoned') this.putBack([kept], true);
    this.pump();
    return true;
  }

  /** https://learn.microsoft.com/azure/service-bus-messaging/message-sessions: only a lock that expires is a delivery. */
  free(expired: boolean): void {
    clearTimeout(this.expiry);
    this.expiry = undefined;
    const { taker } = this;
    this.taker = undefined;
    const held = [...this.held.values()];
    this.held.clear();
    this.putBack(held, expired);
    if (expired) taker?.lost();
    this.subscription.offer();
  }

  private putBack(messages: readonly Kept[], delivered: boolean): void {
    for (const kept of messages) {
      if (delivered) kept.deliveries += 1;
      if (kept.deliveries >= this.rules.maxDeliveries)
        this.subscription.deadLetters.push({ ...kept, reason: 'MaxDeliveryCountExceeded' });
      else this.waiting.push(kept);
    }
    this.waiting.sort((a, b) => a.sequence - b.sequence);
  }
}

export class Subscription {
  readonly deadLetters: Kept[] = [];
  readonly sessions = new Map<string, Session>();
  private readonly takers = new Set<Taker>();

  constructor(private readonly rules: Rules) {}

  add(kept: Kept): void {
    const session = this.sessions.get(kept.sessionId) ?? new Session(kept.sessionId, this, this.rules);
    this.sessions.set(session.id, session);
    session.waiting.push({ ...kept });
    session.pump();
    this.offer();
  }

  /** The oldest messages that nobody is handling; they stay where they are. */
  peek(count: number): readonly Kept[] {
    const waiting = [...this.sessions.values()].flatMap((session) => session.waiting);
    return waiting.sort((a, b) => a.sequence - b.sequence).slice(0, count);
  }

  /** Asks for the next session that nobody has. */
  accept(taker: Taker): void {
    this.takers.add(taker);
    this.offer();
  }

  /** It does not ask any more. Answers whether it did. */
  leave(taker: Taker): boolean {
    return this.takers.delete(taker);
  }

  /** The session whose oldest message has waited for longest goes to who has asked for longest. */
  offer(): void {
    for (const taker of this.takers) {
      let next: Session | undefined;
      for (const session of this.sessions.values())
        if (session.isFree && (!next || session.oldest < next.oldest)) next = session;
      if (!next) return;
      this.takers.delete(taker);
      next.lock(taker);
    }
  }
}

/**
 * All topics. One is there when it is first named; so is a subscription, and it has had all of the topic's messages, as one
 * has that was made with the topic.
 */
export class Topics {
  /** Names that are nowhere. */
  readonly missing = new Set<string>();
  private all = new Map<string, { readonly log: Kept[]; readonly subscriptions: Map<string, Subscription> }>();
  private sequence = 0;

  constructor(private readonly rules: Rules) {}

  has(path: string): boolean {
    return !path.split('/').some((name) => this.missing.has(name));
  }

  send(topic: string, message: Message): void {
    const { log, subscriptions } = this.topic(topic);
    const sessionId = message.group_id ?? '';
    this.sequence += 1;
    const kept = { message, sessionId, sequence: this.sequence, enqueuedAt: Date.now(), deliveries: 0 };
    log.push(kept);
    for (const subscription of subscriptions.values()) subscription.add(kept);
  }

  subscription(topic: string, name: string): Subscription {
    const { log, subscriptions } = this.topic(topic);
    const found = subscriptions.get(name) ?? new Subscription(this.rules);
    if (!subscriptions.has(name)) {
      subscriptions.set(name, found);
      for (const kept of log) found.add(kept);
    }
    return found;
  }

  /** Messages that a subscription has not been told are done with, in all. */
  kept(topic: string): number {
    return this.sessions(topic).reduce((sum, { kept }) => sum + kept, 0);
  }

  /** Sessions that somebody has. */
  locked(topic: string): number {
    return this.sessions(topic).filter(({ isLocked }) => isLocked).length;
  }

  deadLetters(topic: string): readonly Kept[] {
    return [...this.topic(topic).subscriptions.values()].flatMap((one) => one.deadLetters);
  }

  /** As if all had been deleted, and made anew. */
  wipe(): void {
    const before = this.all;
    this.all = new Map();
    for (const { subscriptions } of before.values())
      for (const { sessions } of subscriptions.values()) for (const session of sessions.values()) session.free(true);
  }

  private sessions(topic: string): Session[] {
    return [...this.topic(topic).subscriptions.values()].flatMap((one) => [...one.sessions.values()]);
  }

  private topic(name: string) {
    const topic = this.all.get(name) ?? { log: [], subscriptions: new Map<string, Subscription>() };
    this.all.set(name, topic);
    return topic;
  }
}
