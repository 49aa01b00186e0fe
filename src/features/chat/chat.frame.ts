import type { ServerFrame } from '../../generated/aerie/chat/v1/chat';
import type { Told } from './chat.effects';
import { lineOf } from './chat.lines';

// Of UTF-16: what a frame costs where it waits is bounded from above without encoding it.
const bytesPerUnit = 3;
const overhead = 160;

/** What many are told at once: each spelling of it is made when the first client of that wire needs it, and then shared. */
export class ChatFrame {
  private asJson: string | undefined;
  private asLine: string | undefined;

  /** `registering`: the client has no name yet. */
  constructor(
    readonly told: Told,
    private readonly registering = false,
  ) {}

  /** About as many bytes as its longest spelling has, or more. */
  get size(): number {
    return overhead + bytesPerUnit * (this.told.text?.length ?? 0);
  }

  /** True for what says where a client is: without it nothing that follows can be understood. */
  get essential(): boolean {
    const { type } = this.told;
    return type === 'welcome' || type === 'room' || type === 'bye';
  }

  /** True for a message of a room, which has a number. */
  get numbered(): boolean {
    return this.told.type === 'message';
  }

  /** WebSocket and SSE. */
  get json(): string {
    this.asJson ??= JSON.stringify(this.told);
    return this.asJson;
  }

  /** TCP, with its line end; empty for what is not said there. */
  get line(): string {
    this.asLine ??= lineOf(this.told, this.registering);
    return this.asLine;
  }

  /** gRPC. */
  get message(): ServerFrame {
    return { ...this.told, users: [...(this.told.users ?? [])], userIds: [...(this.told.userIds ?? [])] };
  }
}
