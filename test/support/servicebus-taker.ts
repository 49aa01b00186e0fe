import rhea, { type Sender } from 'rhea';
import type { Kept, Session, Taker } from './servicebus-topics';

/** By this a client says whose messages it wants. */
export const sessionFilter = 'com.microsoft:session-filter';
const ticksAtEpoch = 621_355_968_000_000_000n;

/** A client's link over which a session comes. */
export class LinkTaker implements Taker {
  session: Session | undefined;
  private given = 0;
  private limit: NodeJS.Timeout | undefined;

  constructor(
    private readonly sender: Sender,
    private readonly address: string,
  ) {}

  isLink(management: string, name: string, sessionId: unknown): boolean {
    return management === `${this.address}/$management` && this.sender.name === name && this.session?.id === sessionId;
  }

  /** The attach is answered when there is a session, or after the time that the client gives it. */
  holdBack(leave: () => boolean): void {
    // rhea has opened it already and writes that in the next tick.
    const { state } = this.sender as unknown as { state: { local_open: boolean; open_requests: number } };
    state.local_open = false;
    state.open_requests -= 1;
    const asked = (this.sender.properties as Record<string, number> | undefined)?.['com.microsoft:timeout'];
    this.limit = setTimeout(() => {
      if (!leave()) return;
      this.sender.open();
      this.sender.close({ condition: 'com.microsoft:timeout', description: 'No session has messages' });
    }, asked ?? 60_000);
    this.stop = () => {
      clearTimeout(this.limit);
      leave();
    };
  }

  stop: () => void = () => undefined;

  opened(session: Session): void {
    clearTimeout(this.limit);
    this.session = session;
    this.sender.set_source({ address: this.address, filter: { [sessionFilter]: session.id } });
    const ticks = Buffer.alloc(8);
    ticks.writeBigInt64BE(BigInt(session.lockedUntil) * 10_000n + ticksAtEpoch);
    const { attach } = (this.sender as unknown as { local: { attach: { properties: object } } }).local;
    attach.properties = { 'com.microsoft:locked-until-utc': rhea.types.wrap_long(ticks as never) };
    this.sender.open();
  }

  room(): number {
    // The sum does not change as messages are sent.
    const { delivery_count, credit } = this.sender as unknown as { delivery_count: number; credit: number };
    return delivery_count + credit - this.given;
  }

  give({ message, deliveries, sequence, enqueuedAt }: Kept, tag: Buffer, lockedUntil: number): void {
    this.given += 1;
    const annotations = {
      ...message.message_annotations,
      'x-opt-sequence-number': rhea.types.wrap_long(sequence),
      'x-opt-enqueued-time': rhea.types.wrap_timestamp(enqueuedAt),
      'x-opt-locked-until': rhea.types.wrap_timestamp(lockedUntil),
    };
    this.sender.send({ ...message, delivery_count: deliveries, message_annotations: annotations }, tag);
  }

  lost(): void {
    this.sender.close({ condition: 'com.microsoft:session-lock-lost', description: 'The lock of the session expired' });
  }
}
