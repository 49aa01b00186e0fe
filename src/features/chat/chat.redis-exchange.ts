import { hash } from 'node:crypto';
import { ulid } from 'ulid';
import { detach, guarded } from '../../shared/async/guarded';
import { within } from '../../shared/async/within';
import { unavailable } from '../../shared/errors/common.errors';
import type { CheckResult } from '../../shared/health/readiness';
import type { RedisClient } from '../../shared/redis/redis.client';
import type { By, ClientId, Numbered, Outcome, Present, RoomState, Said, Told } from './chat.effects';
import { ChatExchange, type Dispatch } from './chat.exchange';
import { IslandRooms } from './chat.island-rooms';
import { ChatLives } from './chat.redis-lives';
import { type ChatNews, ChatRedisNews } from './chat.redis-news';
import {
  beatScript,
  buryScript,
  chatKeys,
  claimScript,
  leaveScript,
  openScript,
  presentScript,
  publishScript,
  releaseScript,
} from './chat.redis-scripts';
import { historySize } from './chat.room';

export interface RedisChatOptions {
  /** Without a beat for so long this process counts as dead, and its users as gone. Milliseconds. */
  readonly leaseMs: number;
  readonly beatMs: number;
  /** Whoever waits so long for Redis goes on without it. */
  readonly answerMs: number;
}

export const redisChatDefaults: RedisChatOptions = { leaseMs: 5000, beatMs: 1000, answerMs: 250 };

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
  /** Names of this process, and who has them. */
  private readonly names = new Map<string, ClientId>();
  private readonly here = new Map<string, Present>();
  private readonly underway = new Map<string, Underway>();
  private readonly opening = new Map<string, boolean>();
  private connected = false;
  private healing = false;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> = Promise.resolve();

  constructor(
    private readonly client: RedisClient,
    subscriber: RedisClient,
    private readonly told: (connected: boolean) => void,
    private readonly options: RedisChatOptions = redisChatDefaults,
  ) {
    super();
    this.lives = new ChatLives(this.life, (command) => this.dispatch(command));
    this.island = new IslandRooms();
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
    this.names.set(canonical, client);
    const answer = (granted: boolean): void => {
      if (!granted) this.names.delete(canonical);
      this.dispatch({ type: 'claimed', client, granted });
    };
    if (!this.connected) {
      answer(true);
      return;
    }
    this.ask(
      () => claimScript.run(this.client, [chatKeys], [this.life, canonical]),
      (owned) => answer((owned as number[])[0] === 1),
      () => answer(true),
    );
  }

  override release(canonical: string): void {
    this.names.delete(canonical);
    if (this.connected) this.ask(() => releaseScript.run(this.client, [chatKeys], [this.life, canonical]));
  }

  override present(present: Present): void {
    this.here.set(present.canonical, present);
    this.tellPresence(present.canonical, JSON.stringify(present));
  }

  override absent(canonical: string): void {
    this.here.delete(canonical);
    this.tellPresence(canonical, '');
  }

  override open(room: string): void {
    if (!this.connected) {
      this.dispatch({ type: 'opened', room, state: this.island.state(room) });
      return;
    }
    // Whoever asks again meanwhile may want what was said after the first question.
    if (this.opening.has(room)) {
      this.opening.set(room, true);
      return;
    }
    this.opening.set(room, false);
    this.ask(
      () => this.read(room),
      (state) => {
        const again = this.opening.get(room) === true;
        this.opening.delete(room);
        this.island.know(room, state);
        this.dispatch({ type: 'opened', room, state });
        if (again) this.open(room);
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
    this.underway.set(said.uid, { room, said, by });
    const own = said.id === undefined ? '' : `${said.canonical}\0${said.id}`;
    const message = JSON.stringify(said);
    const args = [room, ulid(), historySize, message, own, hash('sha256', said.text, 'base64url')];
    this.ask(
      () => publishScript.run(this.client, [chatKeys], args),
      (answer) => this.published(said.uid, answer as [string, string | number, string]),
    );
  }

  override async bury(room: string, epoch: string, seq: number): Promise<void> {
    this.island.bury(room, epoch, seq);
    if (!this.connected) return this.dispatch({ type: 'deleted', room, epoch, seq });
    try {
      await within(buryScript.run(this.client, [chatKeys], [room, epoch, seq]), this.options.answerMs);
    } catch (error) {
      throw unavailable(error);
    }
    this.dispatch({ type: 'deleted', room, epoch, seq });
  }

  override send(life: string, to: string, told: Told): void {
    if (this.connected) this.ask(() => this.client.publish(`${chatKeys}to:${life}`, JSON.stringify({ to, told })));
  }

  override async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    const { connected } = this;
    this.connected = false;
    if (!connected) return;
    const left = within(leaveScript.run(this.client, [chatKeys], [this.life]), this.options.answerMs);
    // Otherwise the lease runs out.
    await left.catch(() => undefined);
  }

  /** A beat that is late is not made up for. */
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
      const beat = beatScript.run(this.client, [chatKeys], [this.life, this.options.leaseMs]);
      const [known, ...rest] = (await within(beat, this.options.answerMs)) as (string | number)[];
      const lives = new Map<string, number>();
      for (let i = 0; i < rest.length; i += 2) lives.set(String(rest[i]), Number(rest[i + 1]));
      for (const life of this.lives.stale(lives)) await this.readLife(life, lives.get(life) ?? 0);
      if (known !== 1 || !this.connected || this.news.wasCut()) await this.heal();
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

  /** Redis answers again, or has forgotten this process: names first, then those who are here, then rooms one by one. */
  private async heal(): Promise<void> {
    const { answerMs } = this.options;
    const mine = [...this.names.keys()];
    const claimed = claimScript.run(this.client, [chatKeys], [this.life, ...mine]);
    const owned = mine.length === 0 ? [] : ((await within(claimed, answerMs)) as number[]);
    for (const [i, canonical] of mine.entries()) {
      const client = this.names.get(canonical);
      if (owned[i] === 1 || client === undefined) continue;
      this.names.delete(canonical);
      this.dispatch({ type: 'claimed', client, granted: false });
    }
    for (const present of [...this.here.values()]) {
      const args = [this.life, present.canonical, JSON.stringify(present)];
      await within(presentScript.run(this.client, [chatKeys], args), answerMs);
    }
    this.news.keep();
    const states = new Map<string, RoomState>();
    for (const room of this.island.rooms()) states.set(room, await within(this.read(room), answerMs));
    const wasConnected = this.connected;
    this.connected = true;
    for (const [room, state] of states) {
      const unheard = this.island.unheard(room, state);
      this.island.know(room, state);
      this.dispatch({ type: 'opened', room, state, unheard });
    }
    this.island.join();
    this.news.release();
    if (!wasConnected) this.told(true);
  }

  private async readLife(life: string, version: number): Promise<void> {
    const found = await within(this.client.hgetall(`${chatKeys}users:${life}`), this.options.answerMs);
    const users = Object.entries(found).map(([name, user]) => [name, JSON.parse(user) as Present] as const);
    this.lives.read(life, version, new Map(users));
  }

  private async read(room: string): Promise<RoomState> {
    const found = await openScript.run(this.client, [chatKeys], [room, ulid()]);
    const [epoch, seq, log] = found as [string, string, string[]];
    const messages = log.map((text) => JSON.parse(text) as Numbered);
    // Of a log that Redis has lost in part only what has no hole counts.
    const from = messages.findLastIndex((message, i) => i > 0 && message.seq !== (messages[i - 1]?.seq ?? 0) + 1);
    return { epoch, seq: Number(seq), messages: from === -1 ? messages : messages.slice(from) };
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
        this.dispatch({ type: 'whispered', to: news.to, told: news.told });
        break;
    }
  }

  /** Its news bring it; where they do not come, the room is read. */
  private published(uid: string, [epoch, seq, what]: readonly [string, string | number, string]): void {
    const own = this.underway.get(uid);
    if (!own) return;
    const { room } = own;
    if (what === 'reused') {
      this.settle(own, { kind: 'refused', code: 'id_reused' });
      return;
    }
    if (what === 'duplicate') {
      this.settle(own, { kind: 'duplicate', seq: Number(seq), epoch });
      return;
    }
    const late = guarded(() => {
      if (this.underway.get(uid) !== own) return;
      this.open(room);
      this.settle(own, { kind: 'said', seq: Number(seq), epoch, message: { ...own.said, seq: Number(seq) } });
    });
    setTimeout(late, this.options.answerMs).unref();
  }

  private settle({ room, said, by }: Underway, outcome: Outcome): void {
    this.underway.delete(said.uid);
    this.dispatch({ type: 'published', room, said, by, outcome });
  }

  private sayHere({ room, said, by }: Underway): void {
    const { epoch, message } = this.island.say(room, said);
    this.dispatch({ type: 'arrived', room, epoch, message });
    this.dispatch({ type: 'published', room, said, by, outcome: { kind: 'said', seq: message.seq, epoch, message } });
  }

  private tellPresence(canonical: string, user: string): void {
    if (this.connected) this.ask(() => presentScript.run(this.client, [chatKeys], [this.life, canonical, user]));
  }

  /** Asks Redis. Where it does not answer, this process is an island from then on, and `otherwise` is done. */
  private ask<T>(work: () => Promise<T>, answered?: (value: T) => void, otherwise?: () => void): void {
    const asked = within(work(), this.options.answerMs).then(answered, () => {
      this.cut();
      otherwise?.();
    });
    detach(asked);
  }
}
