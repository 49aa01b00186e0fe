import { ulid } from 'ulid';
import type { By, ClientId, Said, Sent } from './chat.effects';
import { ChatExchange, type Dispatch } from './chat.exchange';

/** All in this process: names are free where nobody here has them, and a room's numbers live as long as it is known. */
export class LocalChatExchange extends ChatExchange {
  private dispatch: Dispatch = () => undefined;
  // Of rooms in which nothing was said yet: asked twice, they are the same.
  private epoch = ulid();
  private readonly rooms = new Map<string, { readonly epoch: string; seq: number }>();

  override async start(dispatch: Dispatch): Promise<void> {
    this.dispatch = dispatch;
  }

  override claim(client: ClientId): void {
    this.dispatch({ type: 'claimed', client, granted: true });
  }

  override release(): void {}

  override present(): void {}

  override absent(): void {}

  override open(room: string): void {
    const { epoch, seq } = this.numbersOf(room);
    this.dispatch({ type: 'opened', room, state: { epoch, seq, messages: [] } });
  }

  override closed(room: string): void {
    // Should it come again, its numbers begin anew.
    if ((this.rooms.get(room)?.seq ?? 0) > 0) this.epoch = ulid();
    this.rooms.delete(room);
  }

  override publish(room: string, said: Said, by: By): void {
    const numbers = this.numbersOf(room);
    numbers.seq += 1;
    const { epoch, seq } = numbers;
    const message = { ...said, seq };
    this.dispatch({ type: 'arrived', room, epoch, message });
    this.dispatch({ type: 'published', room, said, by, outcome: { kind: 'said', seq, epoch, message } });
  }

  override async bury(room: string, epoch: string, seq: number): Promise<void> {
    this.dispatch({ type: 'deleted', room, epoch, seq });
  }

  /** There is nobody elsewhere. */
  override send(sent: Sent): void {
    this.dispatch({ ...sent, type: 'sent', delivered: false });
  }

  override async stop(): Promise<void> {}

  private numbersOf(room: string): { readonly epoch: string; seq: number } {
    const known = this.rooms.get(room) ?? { epoch: this.epoch, seq: 0 };
    this.rooms.set(room, known);
    return known;
  }
}
