const refreshMs = 400;
const usersPage = 100;
const mostUsers = 1000;

/** Asks who is here, a page after the other; `told(users, isAll)` hears it when all of them have come. */
export class ChatUsers {
  #users = [];
  #timer;
  #outbox;
  #told;

  constructor(outbox, told) {
    this.#outbox = outbox;
    this.#told = told;
  }

  ask() {
    this.stop();
    if (this.#outbox.requests.some(({ type }) => type === 'users')) this.askSoon();
    else this.#outbox.add({ type: 'users' });
  }

  /** In a moment, however much else happens until then. A list of many pages is asked for less often. */
  askSoon() {
    const pages = Math.max(1, Math.ceil(this.#users.length / usersPage));
    this.#timer ??= setTimeout(() => this.ask(), refreshMs * pages);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A page, as the server tells it. */
  take({ users: names = [], userIds = [], more = false }) {
    const request = this.#outbox.settle(({ type }) => type === 'users');
    if (!request) return;
    const users = names.map((name, index) => ({ name, userId: userIds[index] ?? '' }));
    this.#users = request.after === undefined ? users : this.#users.concat(users);
    if (more && this.#users.length < mostUsers) this.#outbox.add({ type: 'users', after: names.at(-1) });
    else this.#told(this.#users, !more);
  }
}
