import type { ProcessErrorArgs, ServiceBusReceivedMessage, ServiceBusSessionReceiver } from '@azure/service-bus';
import { detach, guarded } from '../async/guarded';
import { within } from '../async/within';
import { type Parcel, unpack } from './parcel';

export interface SessionOptions {
  readonly extendEveryMs: number;
  readonly lingerMs: number;
  readonly againMs: number;
}

/** Who hears of a session. */
export interface SessionOwner {
  arrived(parcel: Parcel): void;
  /** It has nothing to do, and is given back soon. */
  idle(): void;
  /** The link, the lock or the connection is lost; `ended` follows. */
  lost(error: Error): void;
  /** Whoever still has its parcels cannot settle them. */
  ended(): void;
}

interface Held {
  readonly message: ServiceBusReceivedMessage;
  /** The SDK asks for another message in its place. */
  readonly next: () => void;
  again?: NodeJS.Timeout;
  /** Ends the call that settles it. */
  lose?: () => void;
}

const maxHeld = 32;
const callLimitMs = 10_000;
const closeLimitMs = 1000;

/** The messages of one key, while this process has the lock of them. What it holds when it ends comes again to whoever is next. */
export class ServiceBusSession {
  private readonly held = new Map<string, Held>();
  private linger: NodeJS.Timeout | undefined;
  private resting = false;
  private renewedAt = performance.now();
  private ended: Promise<void> | undefined;

  constructor(
    private readonly receiver: ServiceBusSessionReceiver,
    private readonly options: SessionOptions,
    private readonly owner: SessionOwner,
  ) {}

  private get isOver(): boolean {
    return this.ended !== undefined;
  }

  /** All that came is done with. */
  get isIdle(): boolean {
    return this.resting;
  }

  start(): void {
    // Later: the SDK tells all sessions of a lost connection, and stumbles when one of them closes another meanwhile.
    const lost = ({ error }: ProcessErrorArgs): void => {
      setImmediate(guarded(() => this.lose(error)));
    };
    const handlers = {
      processMessage: (message: ServiceBusReceivedMessage) => this.take(message),
      processError: async (args: ProcessErrorArgs) => lost(args),
    };
    this.receiver.subscribe(handlers, { autoCompleteMessages: false, maxConcurrentCalls: maxHeld });
    this.wait();
  }

  settle(parcel: Parcel): Promise<void> {
    return this.finish(parcel, (message) => this.receiver.completeMessage(message));
  }

  /** Into the dead-letter queue of the subscription. */
  reject(parcel: Parcel): Promise<void> {
    const reason = {
      deadLetterReason: parcel.messages === undefined ? 'malformed' : 'abandoned',
      deadLetterErrorDescription: `Delivered ${parcel.deliveries} times`,
    };
    return this.finish(parcel, (message) => this.receiver.deadLetterMessage(message, reason));
  }

  /** After a moment: what has just failed would fail again. */
  release(parcel: Parcel): void {
    const held = this.held.get(parcel.receipt);
    if (!held) return;
    const again = (): Promise<void> => this.finish(parcel, (message) => this.receiver.abandonMessage(message));
    // A lock that is lost meanwhile brings it again, too.
    const lost = (): void => detach(this.end());
    held.again = setTimeout(guarded(again, lost), this.options.againMs);
  }

  /** Renews the lock when that is due. @throws when it is lost, and with it what is in hand */
  async renew(): Promise<void> {
    const now = performance.now();
    if (this.isOver || now - this.renewedAt < this.options.extendEveryMs) return;
    this.renewedAt = now;
    try {
      await within(this.receiver.renewSessionLock(), callLimitMs);
    } catch (error) {
      detach(this.end());
      throw error;
    }
  }

  /** Gives the lock back; one that cannot be given back ends by itself. */
  end(): Promise<void> {
    this.ended ??= this.close();
    return this.ended;
  }

  private lose(error: Error): Promise<void> {
    if (!this.isOver) this.owner.lost(error);
    return this.end();
  }

  private async close(): Promise<void> {
    clearTimeout(this.linger);
    for (const { again, lose } of this.held.values()) {
      clearTimeout(again);
      lose?.();
    }
    this.held.clear();
    this.owner.ended();
    await within(this.receiver.close(), closeLimitMs);
  }

  /** Resolves when the message is done with. */
  private take(message: ServiceBusReceivedMessage): Promise<void> {
    return new Promise((next) => {
      // The service gives it to whoever has the session next.
      if (this.isOver) return next();
      clearTimeout(this.linger);
      this.resting = false;
      const receipt = message.lockToken ?? '';
      this.held.set(receipt, { message, next });
      // The service counts the deliveries before this one.
      const deliveries = (message.deliveryCount ?? 0) + 1;
      this.owner.arrived({ messages: unpack(textOf(message.body)), receipt, deliveries });
    });
  }

  /** @throws when the lock is lost: the message comes again */
  private async finish(
    { receipt }: Parcel,
    work: (message: ServiceBusReceivedMessage) => Promise<void>,
  ): Promise<void> {
    const held = this.held.get(receipt);
    if (!held) throw lockLost();
    // When the link goes the SDK does not answer for a minute.
    const gone = new Promise<never>((_, reject) => {
      held.lose = () => reject(lockLost());
    });
    try {
      await within(Promise.race([work(held.message), gone]), callLimitMs);
    } catch (error) {
      detach(this.end());
      throw error;
    }
    this.held.delete(receipt);
    held.next();
    if (this.held.size > 0 || this.isOver) return;
    this.resting = true;
    this.wait();
    this.owner.idle();
  }

  /** For the next message, a moment. */
  private wait(): void {
    this.linger = setTimeout(
      guarded(() => this.end()),
      this.options.lingerMs,
    );
  }
}

function lockLost(): Error {
  return new Error('The lock of a session was lost before its message was settled');
}

/** Other senders may have sent anything. */
function textOf(body: unknown): string {
  return Buffer.isBuffer(body) ? body.toString('utf8') : '';
}
