import { detach, guarded } from '../async/guarded';
import { pause } from '../async/pause';
import { within } from '../async/within';
import type { Receiver } from './broker';
import type { Parcel } from './parcel';
import { explained, isAnswer, isLockAlone, isNothingThere } from './servicebus.errors';
import type { ServiceBusLine } from './servicebus.line';
import { ServiceBusSession, type SessionOptions } from './servicebus.session';

export interface ReceiverOptions extends SessionOptions {
  readonly topic: string;
  readonly consumer: string;
}

const most = 64;
const maxSessions = 64;
const waitMs = 400;
// To connect, and to be given a session.
const acceptLimitMs = 10_000;
const closeLimitMs = 1200;

/**
 * Up to 64 sessions of a subscription at once. One call waits for the next session that has messages; each that comes
 * lets another wait beside it, so an idle consumer costs one call a second, and a busy one soon has them all.
 */
export class ServiceBusReceiver implements Receiver {
  readonly most = most;
  private readonly sessions = new Set<ServiceBusSession>();
  private readonly owners = new WeakMap<Parcel, ServiceBusSession>();
  private readonly accepting = new Set<Promise<void>>();
  private arrived: Parcel[] = [];
  private news = new AbortController();
  private line: ServiceBusLine | undefined;
  private trouble: unknown;
  private closed = false;

  constructor(
    private readonly connect: () => ServiceBusLine,
    private readonly options: ReceiverOptions,
  ) {}

  async receive(): Promise<readonly Parcel[]> {
    this.extend().catch((error) => this.lost(error, this.line));
    this.news = new AbortController();
    this.accept();
    if (this.arrived.length === 0) await pause(waitMs, this.news.signal);
    // Until the service has answered again.
    if (this.arrived.length === 0 && this.trouble !== undefined) throw this.trouble;
    const parcels = this.arrived.splice(0, most);
    this.accept();
    return parcels;
  }

  async settle(parcels: readonly Parcel[]): Promise<void> {
    await Promise.all(parcels.map((parcel) => this.owners.get(parcel)?.settle(parcel)));
  }

  async reject(parcels: readonly Parcel[]): Promise<void> {
    await Promise.all(parcels.map((parcel) => this.owners.get(parcel)?.reject(parcel)));
  }

  async release(parcels: readonly Parcel[]): Promise<void> {
    for (const parcel of parcels) this.owners.get(parcel)?.release(parcel);
  }

  /** Of all sessions: their other parcels wait here meanwhile. */
  async extend(): Promise<void> {
    await Promise.all([...this.sessions].map((session) => session.renew()));
  }

  /** What is in hand comes to others at once, and counts as not delivered. */
  async close(): Promise<void> {
    this.closed = true;
    this.news.abort();
    await Promise.all([...this.sessions].map((session) => session.end()));
    try {
      // A session that comes now is given back, too.
      await within(Promise.all(this.accepting), closeLimitMs);
    } finally {
      await this.line?.end();
    }
  }

  /** Lets as many calls wait as there is room for. */
  private accept(): void {
    if (this.closed || this.arrived.length >= most) return;
    while (this.accepting.size <= this.sessions.size && this.accepting.size + this.sessions.size < maxSessions) {
      const call: Promise<void> = this.acceptNext().finally(() => this.accepting.delete(call));
      this.accepting.add(call);
    }
    // All are taken: others wait for one that has nothing to do.
    const idle = this.accepting.size === 0 && [...this.sessions].find((session) => session.isIdle);
    if (idle) detach(idle.end());
  }

  /** Never rejects. */
  private async acceptNext(): Promise<void> {
    this.line ??= this.connect();
    const { line } = this;
    try {
      await this.take(line);
    } catch (error) {
      if (!isNothingThere(error)) return this.fail(error, line);
    }
    if (line === this.line) this.trouble = undefined;
    // Later: this call still counts.
    setImmediate(guarded(() => this.accept()));
  }

  private async take(line: ServiceBusLine): Promise<void> {
    const { topic, consumer } = this.options;
    const accepted = line.client.acceptNextSession(topic, consumer, {
      // `renew` does that.
      maxAutoLockRenewalDurationInMs: 0,
      skipParsingBodyAsJson: true,
      abortSignal: line.signal,
    });
    const receiver = await within(accepted, acceptLimitMs);
    const session = new ServiceBusSession(receiver, this.options, {
      arrived: (parcel) => this.hand(parcel, session),
      idle: () => this.accept(),
      lost: (error) => this.lost(error, line),
      ended: () => this.drop(session),
    });
    if (this.closed || line.signal.aborted) return session.end();
    this.sessions.add(session);
    session.start();
  }

  /** A session is. */
  private lost(error: unknown, line: ServiceBusLine | undefined): void {
    if (!isLockAlone(error)) this.fail(error, line);
  }

  /** The next `receive` tries again, which whoever asks puts off for a while. */
  private fail(error: unknown, line: ServiceBusLine | undefined): void {
    // Of a connection that has been given up.
    if (line !== this.line) return;
    this.trouble = explained(error, this.options.topic, this.options.consumer);
    this.news.abort();
    if (!line || isAnswer(error) || this.closed) return;
    this.line = undefined;
    for (const session of [...this.sessions]) detach(session.end());
    detach(line.end());
  }

  private hand(parcel: Parcel, session: ServiceBusSession): void {
    this.owners.set(parcel, session);
    this.arrived.push(parcel);
    this.news.abort();
  }

  private drop(session: ServiceBusSession): void {
    this.sessions.delete(session);
    this.arrived = this.arrived.filter((parcel) => this.owners.get(parcel) !== session);
    if (this.trouble === undefined) this.accept();
  }
}
