const answerMs = 5000;
const mostTries = 3;

/**
 * What waits for its answer, in order. One request is on its way at a time, so that an error is known to be about it; it is
 * sent again when no answer comes, which is harmless, since messages have ids.
 */
export class ChatOutbox {
  requests = [];
  #isOpen = false;
  #tries = 0;
  #timer;
  #send;
  #giveUp;

  constructor(send, giveUp) {
    this.#send = send;
    this.#giveUp = giveUp;
  }

  get first() {
    return this.requests[0];
  }

  add(request) {
    this.requests.push(request);
    if (this.requests.length === 1) this.#begin();
  }

  open() {
    this.#isOpen = true;
    this.#begin();
  }

  close() {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.requests = this.requests.filter(({ type }) => type !== 'users');
  }

  /** Takes out the first request that fits, which has its answer. */
  settle(fits) {
    const index = this.requests.findIndex(fits);
    if (index < 0) return undefined;
    const [request] = this.requests.splice(index, 1);
    if (index === 0) this.#begin();
    return request;
  }

  /** Sends the first request again, but not before this time has passed. */
  postpone(ms) {
    clearTimeout(this.#timer);
    this.#tries = 0;
    this.#timer = setTimeout(() => this.#transmit(), ms);
  }

  #begin() {
    this.#tries = 0;
    this.#transmit();
  }

  #transmit() {
    clearTimeout(this.#timer);
    if (!this.#isOpen || !this.first) return;
    this.#tries += 1;
    if (this.#tries > mostTries) return this.#giveUp();
    this.#timer = setTimeout(() => this.#transmit(), answerMs);
    this.#send(this.first);
  }
}

/** 128 random bits; `crypto.randomUUID` is missing on pages without TLS. */
export function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
