import { hash, randomInt } from 'node:crypto';
import { ulid } from 'ulid';
import { within } from '../../shared/async/within';
import type { RedisClient } from '../../shared/redis/redis.client';
import type { Numbered, Present, RoomState, Said, Sent } from './chat.effects';
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
  rememberScript,
  returnScript,
  touchScript,
} from './chat.redis-scripts';
import { historySize, idKey, idsKept } from './chat.room';

// Lua writes whole numbers of up to 14 digits as such.
const maxVersion = 2 ** 40;
const touchedAtOnce = 500;

/** What became of a message: it has this number, or it, or another one with its id, had one before. */
export interface Published {
  readonly epoch: string;
  readonly seq: number;
  readonly what: 'said' | 'duplicate' | 'reused' | 'lost';
}

/** Chat in Redis, as one life of a process asks it. Every call is within a time limit. @throws Error when Redis does not answer */
export class ChatRedisStore {
  constructor(
    private readonly client: RedisClient,
    private readonly life: string,
    private readonly limitMs: number,
  ) {}

  /** Whether this life was known, and the version of each that there is. */
  async beat(leaseMs: number): Promise<{ readonly known: boolean; readonly lives: ReadonlyMap<string, number> }> {
    const [known, ...rest] = (await this.run(beatScript, [this.life, leaseMs])) as (string | number)[];
    const lives = new Map<string, number>();
    for (let i = 0; i < rest.length; i += 2) lives.set(String(rest[i]), Number(rest[i + 1]));
    return { known: known === 1, lives };
  }

  /** Tells all names of this life anew, and who is here by them; for each whether it is this life's now. */
  async comeBack(names: readonly string[], here: ReadonlyMap<string, Present>): Promise<boolean[]> {
    const told = names.flatMap((name) => [name, here.has(name) ? JSON.stringify(here.get(name)) : '']);
    // A Redis that was empty would count from 0 to a version that others know, and they would not look.
    const version = randomInt(1, maxVersion);
    return ((await this.run(returnScript, [this.life, version, ...told])) as number[]).map((owned) => owned === 1);
  }

  /** For each name whether it is this life's now. */
  async claim(names: readonly string[]): Promise<boolean[]> {
    return ((await this.run(claimScript, [this.life, ...names])) as number[]).map((owned) => owned === 1);
  }

  release(canonical: string): Promise<unknown> {
    return this.run(releaseScript, [this.life, canonical]);
  }

  present(present: Present): Promise<unknown> {
    return this.run(presentScript, [this.life, present.canonical, JSON.stringify(present)]);
  }

  absent(canonical: string): Promise<unknown> {
    return this.run(presentScript, [this.life, canonical, '']);
  }

  leave(): Promise<unknown> {
    return this.run(leaveScript, [this.life]);
  }

  async users(life: string): Promise<ReadonlyMap<string, Present>> {
    const found = await within(this.client.hgetall(`${chatKeys}users:${life}`), this.limitMs);
    return new Map(Object.entries(found).map(([name, user]) => [name, JSON.parse(user) as Present]));
  }

  async room(room: string, create: boolean): Promise<RoomState> {
    const [epoch, seq, log] = (await this.run(openScript, [room, create ? ulid() : ''])) as [string, string, string[]];
    const messages = log.map((text) => JSON.parse(text) as Numbered);
    // Of a log that Redis has lost in part only what has no hole counts.
    const from = messages.findLastIndex((message, i) => i > 0 && message.seq !== (messages[i - 1]?.seq ?? 0) + 1);
    return { epoch, seq: Number(seq), messages: from === -1 ? messages : messages.slice(from) };
  }

  /** `asOwner`: only while the sender's name is this life's. */
  async publish(room: string, said: Said, asOwner: boolean): Promise<Published> {
    const own = said.id === undefined ? '' : idKey(said);
    const digest = digestOf(said.text);
    const args = [
      room,
      ulid(),
      historySize,
      idsKept,
      JSON.stringify(said),
      own,
      digest,
      this.life,
      asOwner ? said.canonical : '',
    ];
    const [epoch, seq, what] = (await this.run(publishScript, args)) as [string, string, Published['what']];
    return { epoch, seq: Number(seq), what };
  }

  bury(room: string, epoch: string, seq: number): Promise<unknown> {
    return this.run(buryScript, [room, epoch, seq]);
  }

  /** How many processes have heard it: 0 where that life is over. */
  send({ life, to, told, once }: Sent): Promise<number> {
    return within(this.client.publish(`${chatKeys}to:${life}`, JSON.stringify({ to, told, once })), this.limitMs);
  }

  /** Keeps rooms alive in which somebody is and nothing was said yet. */
  async touch(rooms: readonly string[]): Promise<void> {
    for (let from = 0; from < rooms.length; from += touchedAtOnce)
      await this.run(touchScript, rooms.slice(from, from + touchedAtOnce));
  }

  /** Messages that were said without Redis, by sender and id: said again they are duplicates. */
  remember(room: string, said: readonly { readonly key: string; readonly text: string }[]): Promise<unknown> {
    return this.run(rememberScript, [room, idsKept, ...said.flatMap(({ key, text }) => [key, digestOf(text)])]);
  }

  private run(script: typeof beatScript, args: readonly (string | number)[]): Promise<unknown> {
    return within(script.run(this.client, [chatKeys], args), this.limitMs);
  }
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64url');
}
