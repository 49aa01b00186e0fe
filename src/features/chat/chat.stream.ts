import { PassThrough } from 'node:stream';
import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { guarded } from '../../shared/async/guarded';
import { HttpParts } from '../../shared/contract/http-parts';
import { validated } from '../../shared/contract/validation.pipe';
import { ChatClient, type ChatWire } from './chat.client';
import { StreamChatDto } from './chat.dto';
import type { Resume } from './chat.effects';
import { chatElsewhere } from './chat.errors';
import { lobby } from './chat.fields';
import type { SharedBuffers } from './chat.flusher';
import type { ChatFrame } from './chat.frame';
import { ChatHub } from './chat.hub';
import type { ChatAccount } from './chat.identity';
import type { ChatWireName } from './chat.metrics';
import { ChatSpeakers } from './chat.speakers';

const keepAliveMs = 15_000;
const headers = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies must not wait for more.
  'x-accel-buffering': 'no',
};

/** The door for those who only listen: server-sent events of one room. Source: HTML, 9.2 */
@Injectable()
export class ChatStream {
  constructor(
    private readonly hub: ChatHub,
    private readonly speakers: ChatSpeakers,
  ) {}

  /** Answers with an endless stream. @throws AppError validation_failed, token_invalid */
  async open(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const parts = new HttpParts({}, request.query as Record<string, string>, undefined, {
      inQuery: true,
      tracked: true,
    });
    const { room = lobby, ...asked } = validated(parts, StreamChatDto);
    const account = await this.speakers.admit();
    const last = request.headers['last-event-id'];
    const listener = new ChatListener(this.hub, account);
    const answered = reply.headers(headers).send(listener.stream);
    listener.begin(room, last === undefined ? asked : resumeAfter(String(last)));
    return answered;
  }
}

/** Refuses where chat runs in another process. @throws AppError chat_elsewhere */
export function streamElsewhere(): never {
  throw chatElsewhere();
}

/** One listener. */
class ChatListener implements ChatWire {
  readonly wire: ChatWireName = 'sse';
  private readonly client: ChatClient;
  private readonly keepAlive: NodeJS.Timeout;
  readonly stream = new PassThrough();
  private resumes = false;

  /** Without its account it hears no more. */
  constructor(
    private readonly hub: ChatHub,
    account: ChatAccount | undefined,
  ) {
    this.client = hub.connect(this);
    this.client.account = account;
    this.keepAlive = setInterval(
      guarded(() => this.stream.write(': here\n\n')),
      keepAliveMs,
    ).unref();
  }

  begin(room: string, resume: Resume): void {
    this.stream.on(
      'error',
      guarded(() => this.stream.destroy()),
    );
    this.stream.on(
      'close',
      guarded(() => {
        clearInterval(this.keepAlive);
        this.client.closed();
      }),
    );
    this.resumes = resume.afterSeq !== undefined;
    this.hub.dispatch({ type: 'listen', client: this.client.id, room, ...resume });
  }

  write(frames: readonly ChatFrame[], _shared: SharedBuffers, done: () => void): boolean {
    if (this.stream.destroyed) return true;
    let text = '';
    for (const frame of frames) text += this.event(frame);
    if (this.stream.write(text)) return true;
    this.stream.once('drain', guarded(done));
    return false;
  }

  end(): void {
    this.stream.end();
  }

  destroy(): void {
    this.stream.destroy();
  }

  /** What has a number has an id, so that a browser resumes by itself. The first event stands before what is said again. */
  private event({ told, json }: ChatFrame): string {
    const counts = told.type === 'message' || (told.type === 'room' && !this.resumes);
    const id = counts ? `id: ${told.epoch}:${told.seq}\n` : '';
    return `event: ${told.type}\n${id}data: ${json}\n\n`;
  }
}

/** What a browser says by `Last-Event-ID`; what is none of ours asks for all that is kept. */
export function resumeAfter(lastEventId: string): Resume {
  const [, epoch, seq] = /^([0-9A-Z]{26}):(\d{1,15})$/.exec(lastEventId) ?? [];
  return epoch === undefined ? { afterSeq: 0, epoch: '0'.repeat(26) } : { afterSeq: Number(seq), epoch };
}
