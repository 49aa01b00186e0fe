import { Injectable, type OnModuleInit } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { ulid } from 'ulid';
import { detach, fault, guarded } from '../../shared/async/guarded';
import { Clock } from '../../shared/clock/clock';
import { ChatClient, type ChatClientHost, type ChatWire, registerMs, stalledMs } from './chat.client';
import type { Speaker } from './chat.conversation';
import type { Command, Effect, Outcome, Read, Ref, Resume, Said } from './chat.effects';
import { chatRefused } from './chat.errors';
import { ChatExchange } from './chat.exchange';
import { ChatFlusher } from './chat.flusher';
import { ChatFrame } from './chat.frame';
import { ChatIdentity } from './chat.identity';
import { ChatMetrics } from './chat.metrics';
import { ChatMutes } from './chat.mutes';
import { ChatRegistry } from './chat.registry';
import { ChatSettings } from './chat.settings';
import { deletedTold, messageTold } from './chat.told';

const sweepEveryMs = 1000;

interface Waiting {
  resolve(answer: Outcome | Read): void;
}

/** What the hub stands on. */
@Injectable()
export class ChatParts {
  constructor(
    readonly exchange: ChatExchange,
    readonly identity: ChatIdentity,
    readonly mutes: ChatMutes,
    readonly metrics: ChatMetrics,
    readonly settings: ChatSettings,
    readonly clock: Clock,
    readonly logger: PinoLogger,
  ) {}
}

/**
 * Brings clients, registry and exchange together: commands run one after another, and the effects of each are done before
 * the next one.
 */
@Injectable()
export class ChatHub implements ChatClientHost, OnModuleInit {
  readonly flusher: ChatFlusher;
  readonly registry: ChatRegistry;
  private readonly clients = new Map<number, ChatClient>();
  private readonly waiting = new Map<Ref, Waiting>();
  private next: Command[] = [];
  private running = false;
  private numbers = 0;
  private readonly life = ulid();
  private readonly leaving: Promise<void>[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: ChatParts) {
    this.registry = new ChatRegistry(parts.settings);
    this.flusher = new ChatFlusher((milliseconds) => parts.metrics.delivered(milliseconds));
  }

  async onModuleInit(): Promise<void> {
    // Not a job of the worker: those wait for the database.
    this.timer = setInterval(
      guarded(() => this.sweep()),
      sweepEveryMs,
    ).unref();
    await this.parts.exchange.start((command) => this.dispatch(command));
  }

  get metrics(): ChatMetrics {
    return this.parts.metrics;
  }

  get identity(): ChatIdentity {
    return this.parts.identity;
  }

  get mutes(): ChatMutes {
    return this.parts.mutes;
  }

  get logger(): PinoLogger {
    return this.parts.logger;
  }

  now(): number {
    return this.parts.clock.steady();
  }

  /** Unique over all processes and times. */
  newUid(): string {
    this.numbers += 1;
    return `${this.life}${this.numbers.toString(36)}`;
  }

  /** A client that has just connected. Its wire calls `closed` when the connection is gone. */
  connect(wire: ChatWire): ChatClient {
    this.numbers += 1;
    const client = new ChatClient(this.numbers, wire, this);
    this.clients.set(client.id, client);
    this.metrics.connected(wire.wire, 1);
    return client;
  }

  /** Nothing more reaches the client, but what it has been told already. */
  leave(client: ChatClient): void {
    if (!this.clients.delete(client.id)) return;
    this.metrics.connected(client.wire.wire, -1);
    this.dispatch({ type: 'leave', client: client.id });
  }

  speaker(client: number): Speaker | undefined {
    return this.registry.speaker(client);
  }

  /** Says something for somebody who is not connected. @throws AppError id_reused, too_many_rooms, unavailable */
  async post(room: string, said: Said): Promise<Exclude<Outcome, { kind: 'refused' }>> {
    this.metrics.said('post');
    return (await this.ask((ref) => ({ type: 'post', ref, room, said }))) as Exclude<Outcome, { kind: 'refused' }>;
  }

  /** @throws AppError too_many_rooms, unavailable */
  async read(room: string, limit: number, resume: Resume): Promise<Read> {
    return (await this.ask((ref) => ({ type: 'read', ref, room, limit, ...resume }))) as Read;
  }

  /** Runs a command with all that follows from it, before any that comes later. */
  dispatch(command: Command): void {
    this.next.push(command);
    if (this.running) return;
    this.running = true;
    try {
      this.runNext();
    } finally {
      this.running = false;
    }
  }

  /** Ends clients that take too long to say who they are, or to read. */
  private sweep(): void {
    const now = performance.now();
    for (const client of this.clients.values()) {
      const { fullSince } = client.writer;
      if (fullSince !== undefined && now - fullSince >= stalledMs)
        detach(client.end('slow_reader', 'You have not read for too long'));
      else if (client.wire.wire !== 'sse' && !client.isRegistered && now - client.since >= registerMs)
        detach(client.end('register_timeout', 'Say who you are within 10 seconds'));
    }
  }

  /** How full the fullest queue is, of 1. */
  get fill(): number {
    let fill = 0;
    for (const { writer } of this.clients.values()) fill = Math.max(fill, writer.fill);
    return fill;
  }

  get all(): Iterable<ChatClient> {
    return this.clients.values();
  }

  /** Says goodbye to everybody, on every wire, and takes nothing more from anybody. */
  stop(): void {
    clearInterval(this.timer);
    const clients = [...this.clients.values()];
    // Nobody is told who else leaves: it would be told n times n.
    this.clients.clear();
    for (const client of clients) {
      this.metrics.connected(client.wire.wire, -1);
      this.leaving.push(client.end('shutdown', 'The server is going down; connect again in a moment'));
    }
    this.flusher.flush();
  }

  /** Resolves when all who were told goodbye have read it, or had a second for that. */
  async wait(): Promise<void> {
    await Promise.all(this.leaving);
  }

  private async ask(command: (ref: Ref) => Command): Promise<Outcome | Read> {
    this.numbers += 1;
    const ref = this.numbers;
    const answer = await new Promise<Outcome | Read>((resolve) => {
      this.waiting.set(ref, { resolve });
      this.dispatch(command(ref));
    });
    if ('kind' in answer && answer.kind === 'refused') throw chatRefused(answer.code);
    return answer;
  }

  private runNext(): void {
    const commands = this.next;
    this.next = [];
    for (const command of commands) this.run(command);
  }

  private run(command: Command): void {
    const began = performance.now();
    try {
      for (const effect of this.registry.apply(command)) this.perform(effect);
    } catch (error) {
      // One command must not end the conversation of the others.
      fault(error);
    }
    this.metrics.processed(command.type, performance.now() - began);
    // What these effects have led to comes before what else waits.
    if (this.next.length > 0) this.runNext();
  }

  private perform(effect: Effect): void {
    const { exchange } = this.parts;
    switch (effect.type) {
      case 'tell':
        this.clients.get(effect.client)?.tell(effect.told);
        break;
      case 'broadcast':
        this.broadcast(effect);
        break;
      case 'replay': {
        const { room, epoch } = effect.room;
        const deleted = effect.deleted.map((seq) => new ChatFrame(deletedTold(room, epoch, seq)));
        const messages = effect.messages.map((message) => new ChatFrame(messageTold(message, effect.room)));
        this.clients.get(effect.client)?.replay(effect.first, [...deleted, ...messages]);
        return;
      }
      case 'claim':
        exchange.claim(effect.client, effect.canonical);
        break;
      case 'release':
        exchange.release(effect.canonical);
        break;
      case 'present':
        exchange.present(effect.present);
        break;
      case 'absent':
        exchange.absent(effect.canonical);
        break;
      case 'publish':
        exchange.publish(effect.room, effect.said, effect.by);
        break;
      case 'open':
        exchange.open(effect.room, effect.create);
        break;
      case 'closed':
        exchange.closed(effect.room);
        break;
      case 'send':
        exchange.send(effect);
        break;
      case 'answer':
        this.waiting.get(effect.ref)?.resolve(effect.answer);
        this.waiting.delete(effect.ref);
    }
  }

  private broadcast({ to, told }: Effect & { readonly type: 'broadcast' }): void {
    const frame = new ChatFrame(told);
    for (const id of to.clients) if (id !== to.except) this.clients.get(id)?.push(frame);
    this.metrics.pushed(to.clients.size);
  }
}
