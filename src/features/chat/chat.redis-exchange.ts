import { ulid } from 'ulid';
import { detach, guarded } from '../../shared/async/guarded';
import { unavailable } from '../../shared/errors/common.errors';
import type { CheckResult } from '../../shared/health/readiness';
import type { RedisClient } from '../../shared/redis/redis.client';
import type { By, ClientId, Outcome, Present, RoomState, Said, Sent } from './chat.effects';
import { ChatExchange, type Dispatch } from './chat.exchange';
import { IslandRooms } from './chat.island-rooms';
import { ChatLives } from './chat.redis-lives';
import { type AskRedis, ChatRedisNames } from './chat.redis-names';
import { type ChatNews, ChatRedisNews } from './chat.redis-news';
import { ChatRedisStore, type Published } from './chat.redis-store';

export interface RedisChatOptions {
  /** Without a beat for so long this process counts as dead, and its users as gone. Milliseconds. */
  readonly leaseMs: number;
  readonly beatMs: number;
  /** Whoever waits so long for Redis goes on without it. */
  readonly answerMs: number;
}

const defaults: RedisChatOptions = { leaseMs: 5000, beatMs: 1000, answerMs: 250 };

interface Underway {
  readonly room: string;
  readonly said: Said;
  readonly by: By;
}

/**
 * Rooms, numbers and names of all processes, in Redis. While Redis does not answer, this process goes on as an island: its
 * rooms have numbers of their own, and its names are free where nobody was known to have them. When Redis is back the rooms
 * go on with its numbers: what was said on the island is not said again, and of two users of one name one has to go.
 */
export class RedisChatExchange extends ChatExchange {
  readonly life = ulid();
  private dispatch: Dispatch = () => undefined;
  private readonly lives: ChatLives;
  private readonly island: IslandRooms;
  private readonly news: ChatRedisNews;
  private readonly store: ChatRedisStore;
  private readonly names: ChatRedisNames;
  private readonly underway = new Map<string, Underway>();
  private readonly opening = new Map<string, boolean>();
  private connected = false;
  private healing = false;
  private beats = 0;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();

  constructor(
    client: RedisClient,
    subscriber: RedisClient,
    private readonly told: (connected: boolean) => void,
    private readonly options: RedisChatOptions = defaults,
  ) {
    super();
    this.lives = new ChatLives(this.life, (command) => this.dispatch(command));
    this.island = new IslandRooms();
    this.store = new ChatRedisStore(client, this.life, options.answerMs);
    const ask: AskRedis = (work, answered, otherwise) => {
      if (this.connected) this.ask(work, answered, otherwise);
      else otherwise?.();
    };
    this.names = new ChatRedisNames(this.store, ask, (command) => this.dispatch(command));
    this.news = new ChatRedisNews(subscriber, this.life, (news) => this.heard(news));
  }

  override async start(dispatch: Dispatch): Promise<void> {
    this.dispatch = dispatch;
    await this.beat();
    this.timer = setInterval(
      guarded(() => this.beat()),
      this.options.beatMs,
    ).unref();
  }

  /** For readiness: chat goes on without Redis, each process for itself. */
  async check(): Promise<CheckResult> {
    return this.connected ? { status: 'healthy' } : { status: 'degraded', reason: 'is on its own, without Redis' };
  }

  override claim(client: ClientId, canonical: string): void {
    this.names.claim(client, canonical);
  }

  override release(canonical: string): void {
    this.names.release(canonical);
  }

  override present(present: Present): void {
    this.names.present(present);
  }

  override absent(canonical: string): void {
    this.names.absent(canonical);
  }

  override open(room: string, create: boolean): void {
    if (!this.connected) {
      this.dispatch({ type: 'opened', room, state: this.island.state(room) });
      return;
    }
    // Whoever asks again meanwhile may want what was said after the first question.
    const again = this.opening.has(room);
    this.opening.set(room, again);
    if (again) return;
    this.ask(
      () => this.store.room(room, create),
      (state) => {
        const askedAgain = this.opening.get(room) === true;
        this.opening.delete(room);
        const unheard = this.island.unheard(room, state);
        this.island.know(room, state);
        this.dispatch({ type: 'opened', room, state, unheard });
        if (askedAgain) this.open(room, create);
      },
      () => {
        this.opening.delete(room);
        this.dispatch({ type: 'opened', room, state: this.island.state(room) });
      },
    );
  }

  override closed(room: string): void {
    this.island.forget(room);
  }

  override publish(room: string, said: Said, by: By): void {
    if (!this.connected) {
      this.sayHere({ room, said, by });
      return;
    }
    if (this.saidOnIsland({ room, said, by })) return;
    this.underway.set(said.uid, { room, said, by });
    this.ask(
      () => this.store.publish(room, said, 'client' in by),
      (published) => this.published(said.uid, published),
    );
  }

  override async bury(room: string, epoch: string, seq: number): Promise<void> {
    // Buried here alone it would come back with Redis.
    if (!this.connected) throw unavailable();
    try {
      await this.store.bury(room, epoch, seq);
    } catch (error) {
      throw unavailable(error);
    }
    this.island.bury(room, epoch, seq);
    this.dispatch({ type: 'deleted', room, epoch, seq });
  }

  override send(sent: Sent): void {
    const answer = (processes: number): void => this.dispatch({ ...sent, type: 'sent', delivered: processes > 0 });
    const work = (): Promise<number> => this.store.send(sent);
    if (this.connected) this.ask(work, answer, () => answer(0));
    else answer(0);
  }

  override async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    const wasConnected = this.connected;
    this.connected = false;
    if (wasConnected) await this.store.leave();
  }

  private beat(): Promise<void> {
    if (this.healing) return this.beating;
    this.healing = true;
    this.beating = this.look().finally(() => {
      this.healing = false;
    });
    return this.beating;
  }

  private async look(): Promise<void> {
    try {
      await this.news.subscribed(this.options.answerMs);
      const { known, lives } = await this.store.beat(this.options.leaseMs);
      for (const life of this.lives.stale(lives))
        this.lives.read(life, lives.get(life) ?? 0, await this.store.users(life));
      const wasCut = this.news.wasCut();
      if (!known || !this.connected || wasCut) await this.heal();
      this.beats += 1;
      if (this.beats % 20 === 0) await this.store.touch(this.island.silent());
    } catch {
      this.news.release();
      this.cut();
    }
  }

  /** Redis does not answer: what is on its way is said here, once, and so is all that comes. */
  private cut(): void {
    if (!this.connected) return;
    this.connected = false;
    this.told(false);
    for (const room of this.island.rooms()) this.dispatch({ type: 'opened', room, state: this.island.state(room) });
    const waiting = [...this.underway.values()];
    this.underway.clear();
    for (const one of waiting) this.sayHere(one);
  }

  /** Redis answers again, or has forgotten this process: it is told who is here, and each room goes on with its numbers. */
  private async heal(): Promise<void> {
    const namesTold = await this.names.comeBack();
    this.news.keep();
    const states = new Map<string, RoomState>();
    for (const [room, said] of this.island.saidWithId()) await this.store.remember(room, said);
    for (const room of this.island.rooms()) states.set(room, await this.store.room(room, true));
    const wasConnected = this.connected;
    this.connected = true;
    namesTold();
    for (const [room, state] of states) {
      const unheard = this.island.unheard(room, state);
      this.island.know(room, state);
      this.dispatch({ type: 'opened', room, state, unheard });
    }
    this.island.join();
    this.news.release();
    if (!wasConnected) this.told(true);
  }

  private heard(news: ChatNews): void {
    switch (news.t) {
      case 'said': {
        if (!this.connected) return;
        const { room, epoch, message } = news;
        this.island.heard(room, epoch, message);
        this.dispatch({ type: 'arrived', room, epoch, message });
        const own = this.underway.get(message.uid);
        if (own) this.settle(own, { kind: 'said', seq: message.seq, epoch, message });
        return;
      }
      case 'deleted':
        this.island.bury(news.room, news.epoch, news.seq);
        if (this.connected) this.dispatch({ ...news, type: 'deleted' });
        return;
      case 'user':
        this.lives.heard(news.life, news.version, news.name, news.user);
        break;
      case 'gone':
        this.lives.gone(news.life);
        break;
      case 'whisper':
        this.dispatch({ type: 'whispered', to: news.to, told: news.told, once: news.once });
        break;
    }
  }

  /** Its news bring it; where they do not come, the room is read. */
  private published(uid: string, { epoch, seq, what }: Published): void {
    const own = this.underway.get(uid);
    if (!own) return;
    const { room } = own;
    if (what === 'lost' || what === 'reused') {
      this.settle(own, { kind: 'refused', code: what === 'lost' ? 'username_taken' : 'id_reused' });
      return;
    }
    if (what === 'duplicate') {
      this.settle(own, { kind: 'duplicate', seq, epoch });
      return;
    }
    const late = guarded(() => {
      if (this.underway.get(uid) !== own) return;
      this.open(room, true);
      this.settle(own, { kind: 'said', seq, epoch, message: { ...own.said, seq } });
    });
    setTimeout(late, this.options.answerMs).unref();
  }

  private settle({ room, said, by }: Underway, outcome: Outcome): void {
    this.underway.delete(said.uid);
    this.dispatch({ type: 'published', room, said, by, outcome });
  }

  private sayHere({ room, said, by }: Underway): void {
    if (this.saidOnIsland({ room, said, by })) return;
    const { epoch, message } = this.island.say(room, said);
    this.dispatch({ type: 'arrived', room, epoch, message });
    this.dispatch({ type: 'published', room, said, by, outcome: { kind: 'said', seq: message.seq, epoch, message } });
  }

  /** Redis knows nothing of what was said without it. */
  private saidOnIsland({ room, said, by }: Underway): boolean {
    const outcome = this.island.saidBefore(room, said);
    if (outcome) this.dispatch({ type: 'published', room, said, by, outcome });
    return outcome !== undefined;
  }

  /** Asks Redis. Where it does not answer, this process is an island from then on, and `otherwise` is done. */
  private ask<T>(work: () => Promise<T>, answered?: (value: T) => void, otherwise?: () => void): void {
    const asked = work().then(answered, () => {
      this.cut();
      otherwise?.();
    });
    detach(asked);
  }
}
