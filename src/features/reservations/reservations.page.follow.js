// What changes on the server, followed by a stream of events, or by asking where there is none.

import { addressOf, isAborted, pause, Refusal } from './api.js';

const [firstAgainMs, lastAgainMs] = [15_000, 240_000];
// A connection can be dead without anybody's having said so.
const checkMs = 30_000;

/**
 * Tells each change until it is stopped. `open(tell, fail)` opens a stream and answers how to close it; while there is none,
 * `look()` is asked again after `pauseMs(seen)`. `gone(error)` hears what no asking can change.
 */
export class Follower {
  #how;
  #stop = new AbortController();
  #close;
  #againMs = firstAgainMs;
  #timer;
  #wake = () => {};
  /** `stream` or `poll`, for those who look at the page from outside. */
  by = 'stream';

  constructor(how) {
    this.#how = how;
    this.#open();
    this.#look();
  }

  stop() {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#close?.();
  }

  #open() {
    if (this.#stop.signal.aborted) return;
    const fail = () => {
      if (this.#stop.signal.aborted || this.by === 'poll') return;
      this.by = 'poll';
      this.#close?.();
      this.#timer = setTimeout(() => this.#open(), this.#againMs);
      this.#againMs = Math.min(lastAgainMs, 2 * this.#againMs);
      this.#wake();
    };
    this.by = 'stream';
    this.#close = this.#how.open((seen) => {
      this.#againMs = firstAgainMs;
      this.#tell(seen);
    }, fail);
  }

  async #look() {
    const { signal } = this.#stop;
    try {
      for (;;) {
        const seen = await this.#how.look(signal);
        this.#tell(seen);
        const woken = new AbortController();
        this.#wake = () => woken.abort();
        await this.#rest(
          this.by === 'poll' ? this.#how.pauseMs(seen) : checkMs,
          AbortSignal.any([signal, woken.signal]),
        );
        signal.throwIfAborted();
      }
    } catch (error) {
      if (isAborted(error)) return;
      this.stop();
      this.#how.gone(error);
    }
  }

  async #rest(ms, signal) {
    try {
      await pause(ms, signal);
    } catch (error) {
      if (!isAborted(error)) throw error;
    }
  }

  #tell(seen) {
    if (!this.#stop.signal.aborted) this.#how.tell(seen);
  }
}

/** Events of a server to anybody who has the address. */
export function eventSource(path) {
  return (tell, fail) => {
    const source = new EventSource(addressOf(path));
    source.addEventListener('changed', ({ data }) => tell(JSON.parse(data)));
    // The browser would go on asking, also for what has ended.
    source.addEventListener('done', () => source.close());
    source.addEventListener('error', fail);
    return () => source.close();
  };
}

/** Events of a server that wants to know who asks: EventSource cannot say so. */
export function tokenStream(path, token) {
  return (tell, fail) => {
    const stop = new AbortController();
    const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
    const read = async () => {
      const answer = await fetch(addressOf(path), { headers, signal: stop.signal, cache: 'no-store' });
      if (!answer.ok) throw new Refusal({ code: 'refused' }, answer.status);
      const isDone = await readEvents(answer.body, tell);
      if (!isDone) fail();
    };
    read().catch((error) => {
      if (!isAborted(error)) fail();
    });
    return () => stop.abort();
  };
}

/** Answers whether the server has said that it was all. Source: HTML, 9.2.6 */
async function readEvents(body, tell) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return false;
    text += value;
    const blocks = text.split('\n\n');
    text = blocks.pop();
    for (const block of blocks) {
      const [event, data] = ['event', 'data'].map((name) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]);
      if (event === 'changed') tell(JSON.parse(data));
      if (event === 'error') return false;
      if (event === 'done') return true;
    }
  }
}
