// The server, as the page asks it. What may be asked again is asked until there is an answer.

import { find, write } from './dom.js';
import { synchronise } from './time.js';

const answerMs = 20_000;
const [shortestMs, longestMs] = [500, 8000];
const passing = new Set([
  'unreachable',
  'in_progress',
  'resource_busy',
  'unavailable',
  'deadline_exceeded',
  'rate_limited',
]);
// Below the prefix of a proxy, too.
const base = new URL('../', import.meta.url);

/** What the server, or the way to it, has refused. */
export class Refusal extends Error {
  constructor(
    { code = 'unreachable', message = 'The server cannot be reached.', details = {}, cause },
    status = 0,
    afterMs,
  ) {
    super(message, { cause });
    this.code = code;
    this.status = status;
    this.seatIds = details.seatIds ?? [];
    this.afterMs = afterMs;
  }

  /** Another try may pass, and is harmless. */
  get isPassing() {
    return passing.has(this.code) || (this.status >= 502 && this.status <= 504);
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without TLS. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function addressOf(path) {
  return new URL(path, base);
}

export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** True for what ended because the page no longer wanted it. */
export function isAborted(error) {
  return error?.name === 'AbortError';
}

/** How many questions wait for a network that does not answer. */
let waiting = 0;

function troubled(change) {
  waiting += change;
  write(find('network-text'), waiting > 0 ? 'The server does not answer. Trying again; nothing is lost.' : '');
  find('network').hidden = waiting === 0;
}

export class Api {
  token;
  /** Called when the token holds no more. */
  onLoggedOut = () => {};

  /** One question, once. `key`: of a command that may be repeated. */
  async once(method, path, { body, key, signal } = {}) {
    const headers = {
      ...(this.token && { authorization: `Bearer ${this.token}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...(key && { 'idempotency-key': key }),
    };
    const limits = [AbortSignal.timeout(answerMs), ...(signal ? [signal] : [])];
    const sent = performance.now();
    const request = {
      method,
      headers,
      body: body && JSON.stringify(body),
      signal: AbortSignal.any(limits),
      cache: 'no-store',
    };
    const [answer, told] = await this.#read(addressOf(path), request, signal);
    const received = performance.now();
    if (told.asOf) synchronise(told.asOf, sent, received);
    if (answer.ok) return told;
    if (answer.status === 401 && this.token) this.onLoggedOut();
    const after = Number(answer.headers.get('retry-after'));
    throw new Refusal(told, answer.status, after > 0 ? after * 1000 : undefined);
  }

  /** Until it is answered: what passes by itself is waited for. Only for what is harmless twice: reads, and commands with a key. */
  async call(method, path, options = {}) {
    let isTroubled = false;
    const settle = (is) => {
      if (is !== isTroubled) troubled(is ? 1 : -1);
      isTroubled = is;
    };
    try {
      for (let tries = 0; ; tries += 1) {
        const [answer, refusal] = await this.#try(method, path, options);
        if (!refusal) return answer;
        settle(refusal.code === 'unreachable' || refusal.status >= 502);
        const delay = Math.min(longestMs, shortestMs * 2 ** tries) * (0.5 + Math.random() / 2);
        await pause(Math.max(delay, refusal.afterMs ?? 0), options.signal);
      }
    } finally {
      settle(false);
    }
  }

  get(path, options) {
    return this.call('GET', path, options);
  }

  async #try(method, path, options) {
    try {
      return [await this.once(method, path, options)];
    } catch (error) {
      if (error instanceof Refusal && error.isPassing) return [undefined, error];
      throw error;
    }
  }

  async #read(url, request, signal) {
    try {
      const answer = await fetch(url, request);
      const text = await answer.text();
      return [answer, jsonOf(text)];
    } catch (error) {
      signal?.throwIfAborted();
      throw new Refusal({ cause: error });
    }
  }
}

/** A proxy may answer with a page of its own. */
function jsonOf(text) {
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return { code: 'unreadable', message: 'The server gave an answer that this page cannot read.' };
  }
}
