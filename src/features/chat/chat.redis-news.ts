import { guarded } from '../../shared/async/guarded';
import { within } from '../../shared/async/within';
import type { RedisClient } from '../../shared/redis/redis.client';
import type { Numbered, Present, Told } from './chat.effects';
import { chatKeys } from './chat.redis-scripts';

/** What processes tell each other. */
export type ChatNews =
  | { readonly t: 'said'; readonly room: string; readonly epoch: string; readonly message: Numbered }
  | { readonly t: 'deleted'; readonly room: string; readonly epoch: string; readonly seq: number }
  | {
      readonly t: 'user';
      readonly life: string;
      readonly version: number;
      readonly name: string;
      /** Undefined for somebody who has left. */
      readonly user: Present | undefined;
    }
  | { readonly t: 'gone'; readonly life: string }
  | { readonly t: 'whisper'; readonly to: string; readonly told: Told; readonly once?: string };

const maxKept = 10_000;

/** The channels of this process. While rooms are read, what comes is kept, so that nothing falls in between. */
export class ChatRedisNews {
  private readonly channels: readonly string[];
  private keeping: ChatNews[] | undefined;
  private listening = false;
  private cut = false;

  constructor(
    private readonly subscriber: RedisClient,
    life: string,
    private readonly heard: (news: ChatNews) => void,
  ) {
    this.channels = [`${chatKeys}news`, `${chatKeys}to:${life}`];
    subscriber.on(
      'message',
      guarded((channel: string, text: string) => this.take(channel, text)),
    );
    subscriber.on(
      'close',
      guarded(() => {
        this.listening = false;
        this.cut = true;
      }),
    );
  }

  /** Resolves when all that is told from now on comes here. @throws Error when Redis does not answer in time */
  async subscribed(limitMs: number): Promise<void> {
    if (this.listening) return;
    await within(this.subscriber.subscribe(...this.channels), limitMs);
    this.listening = true;
  }

  /** Whether news may have been lost since this was last asked. */
  wasCut(): boolean {
    const { cut } = this;
    this.cut = false;
    return cut;
  }

  keep(): void {
    this.keeping ??= [];
  }

  release(): void {
    const kept = this.keeping ?? [];
    this.keeping = undefined;
    for (const news of kept) this.heard(news);
  }

  private take(channel: string, text: string): void {
    const parsed = JSON.parse(text) as Record<string, unknown>;
    const news = (channel === this.channels[1] ? { t: 'whisper', ...parsed } : newsOf(parsed)) as ChatNews;
    if (!this.keeping) this.heard(news);
    else if (this.keeping.length < maxKept) this.keeping.push(news);
    // Too many to be kept: the rooms are read once more.
    else this.cut = true;
  }
}

function newsOf(parsed: Record<string, unknown>): Record<string, unknown> {
  if (parsed.t !== 'user') return parsed;
  return { ...parsed, user: parsed.user === '' ? undefined : (JSON.parse(String(parsed.user)) as Present) };
}
