import type { ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { guarded } from '../../shared/async/guarded';
import { ChatClient, type ChatWire } from './chat.client';
import type { Resume } from './chat.effects';
import type { SharedBuffers } from './chat.flusher';
import type { ChatFrame } from './chat.frame';
import { ChatHub } from './chat.hub';
import type { ChatWireName } from './chat.metrics';

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
  constructor(private readonly hub: ChatHub) {}

  /** Answers with an endless stream; `said` are the headers that every answer has. */
  serve(response: ServerResponse, said: Readonly<Record<string, string>>, room: string, resume: Resume): void {
    const listener = new ChatListener(response, this.hub);
    response.writeHead(200, { ...said, ...headers });
    listener.begin(room, resume);
  }
}

/** One listener. */
class ChatListener implements ChatWire {
  readonly wire: ChatWireName = 'sse';
  private readonly client: ChatClient;
  private readonly keepAlive: NodeJS.Timeout;
  private resumes = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly hub: ChatHub,
  ) {
    this.client = hub.connect(this);
    this.keepAlive = setInterval(
      guarded(() => this.response.write(': here\n\n')),
      keepAliveMs,
    ).unref();
  }

  begin(room: string, resume: Resume): void {
    this.response.on(
      'close',
      guarded(() => {
        clearInterval(this.keepAlive);
        this.client.closed();
      }),
    );
    this.resumes = resume.afterSeq !== undefined;
    this.hub.dispatch({ type: 'listen', client: this.client.id, room, ...resume });
  }

  write(frames: readonly ChatFrame[], _shared: SharedBuffers, done: () => void): void {
    if (this.response.destroyed) {
      setImmediate(guarded(done));
      return;
    }
    let text = '';
    for (const frame of frames) text += this.event(frame);
    this.response.write(text, guarded(done));
  }

  end(): void {
    this.response.end();
  }

  destroy(): void {
    this.response.destroy();
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
