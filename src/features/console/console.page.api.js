// The server, as the page asks it: the same calls that everybody makes.

const answerMs = 15_000;
const steps = ['', '.', '..'];
// Below the prefix of a proxy, too.
const base = new URL('../', import.meta.url);

/** What the server, or the way to it, has refused. */
export class Refused extends Error {
  constructor({ code = 'unreadable', message = '', details, trace_id: trace = '' }, status, { cause, isCommand } = {}) {
    super(message, { cause });
    this.isCommand = isCommand;
    this.code = code;
    this.status = status;
    this.fields = details?.fields ?? [];
    this.trace = trace;
  }

  /** It may pass by itself. */
  get isPassing() {
    return this.status === 0 || this.status >= 500 || this.isStrange;
  }

  /** Something else than Aerie has answered. */
  get isStrange() {
    return this.code === 'unreadable';
  }

  /** A command that may have arrived all the same. */
  get isUnsure() {
    return Boolean(this.isCommand) && (this.status === 0 || this.isStrange);
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without TLS. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A path with values put in: ``path`/users/${id}` ``. Of some names there is none: an address takes them for steps. */
export function path(parts, ...values) {
  if (values.some((value) => steps.includes(String(value)))) throw new Refused({ code: 'name_impossible' }, 404);
  return parts.reduce((made, part, i) => `${made}${encodeURIComponent(values[i - 1])}${part}`);
}

export class Calls {
  // Here and nowhere else: whoever reloads the page signs in again.
  #token;
  /** Called when the token holds no more, and when nobody has answered. */
  onExpired = () => {};
  onLost = () => {};

  signIn(token) {
    this.#token = token;
  }

  get(where, query) {
    return this.#ask('GET', where, { query });
  }

  /** The numbers of the process that answers. */
  async stats() {
    const stats = await this.get('/console/stats');
    if (stats.processId === undefined) throw new Refused({}, 200);
    return stats;
  }

  /** A command: with a key it has one effect, however often it is sent. */
  command(method, where, { body, key }) {
    return this.#ask(method, where, { body, key });
  }

  /** A token of somebody who has a password. */
  async logIn(email, password) {
    return (await this.#ask('POST', '/auth/login', { body: { email, password } })).accessToken;
  }

  async #ask(method, where, { query, body, key }) {
    const url = new URL(where.slice(1), base);
    for (const [name, value] of Object.entries(query ?? {})) if (value) url.searchParams.set(name, value);
    const headers = {
      ...(this.#token && { authorization: `Bearer ${this.#token}` }),
      ...(body && { 'content-type': 'application/json' }),
      ...(key && { 'idempotency-key': key }),
    };
    const signal = AbortSignal.timeout(answerMs);
    const request = { method, headers, body: body && JSON.stringify(body), signal, cache: 'no-store' };
    const sent = this.#token;
    const isCommand = key !== undefined;
    const [answer, told] = await this.#read(url, request, isCommand);
    if (answer.ok && told) return told;
    const refused = new Refused(told ?? {}, answer.status, { isCommand });
    // A proxy does not know who is signed in.
    if (answer.status === 401 && !refused.isStrange && sent !== undefined && sent === this.#token) this.#expire();
    throw refused;
  }

  #expire() {
    this.#token = undefined;
    this.onExpired();
  }

  async #read(url, request, isCommand) {
    try {
      const answer = await fetch(url, request);
      return [answer, answerOf(await answer.text())];
    } catch (cause) {
      this.onLost();
      throw new Refused({ code: 'unreachable' }, 0, { cause, isCommand });
    }
  }
}

/** Aerie answers with an object; a proxy may answer with a page of its own, also with 200. */
function answerOf(text) {
  const told = jsonOf(text);
  return typeof told === 'object' && told !== null && !Array.isArray(told) ? told : undefined;
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
