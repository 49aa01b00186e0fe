// Who it is: logging in, registering, and a session that outlasts a reload.

import { Refusal } from './api.js';
import { find, store, whileBusy, write } from './dom.js';
import { wordsOf } from './words.js';

const place = 'aerie-session';
const fields = { name: 'account-name', email: 'account-email', password: 'account-password' };

/** The session of this tab. `changed()` is called when somebody has logged in or out. */
export class Account {
  #api;
  #changed;
  #isNew = false;
  user;

  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
    api.onLoggedOut = () => this.logOut('token_invalid');
    find('account-form').addEventListener('submit', (event) => {
      event.preventDefault();
      whileBusy(find('account-button'), () => this.#submit());
    });
    find('account-switch').addEventListener('click', () => {
      this.#turn(!this.#isNew);
      find(this.#isNew ? 'account-name' : 'account-email').focus();
    });
    find('log-out').addEventListener('click', () => this.logOut());
    const { user, token, until } = store.get(place) ?? {};
    if (token && Date.parse(until) > Date.now()) this.#take(user, token);
  }

  logOut(code) {
    if (this.user === undefined) return;
    this.user = this.#api.token = undefined;
    store.set(place, undefined);
    this.#turn(false);
    this.#show();
    this.#changed(code);
  }

  #take(user, token) {
    this.user = user;
    this.#api.token = token;
    this.#show();
  }

  #show() {
    find('who').hidden = find('log-out').hidden = this.user === undefined;
    write(find('who-name'), this.user?.name ?? '');
  }

  #turn(isNew) {
    this.#isNew = isNew;
    find('account-name-field').hidden = find('account-password-hint').hidden = !isNew;
    find('account-password').autocomplete = isNew ? 'new-password' : 'current-password';
    write(find('account-title'), isNew ? 'Make an account' : 'Log in');
    write(find('account-button'), isNew ? 'Make an account' : 'Log in');
    write(find('account-other'), isNew ? 'Have an account already?' : 'New here?');
    write(find('account-switch'), isNew ? 'Log in' : 'Make an account');
    this.#alarm('');
  }

  async #submit() {
    const [name, email, password] = Object.values(fields).map((id) => find(id).value);
    const body = this.#isNew ? { name: name.trim(), email: email.trim(), password } : { email: email.trim(), password };
    const missing = Object.keys(body).find((field) => body[field] === '');
    if (missing) return this.#alarm('Please fill in every field.', [missing]);
    this.#alarm('');
    try {
      const session = await this.#api.once('POST', `auth/${this.#isNew ? 'register' : 'login'}`, { body });
      const { id, name: called } = session.user;
      const until = new Date(Date.now() + session.expiresIn * 1000).toISOString();
      store.set(place, { user: { id, name: called }, token: session.accessToken, until });
      find('account-password').value = '';
      this.#take({ id, name: called }, session.accessToken);
      this.#changed();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refused(error);
    }
  }

  #refused(error) {
    if (error.code === 'route_not_found')
      return this.#alarm('Nobody can log in at this server: it runs without accounts. Ask whoever sent you here.');
    const field = Object.keys(fields).find((name) => error.message.startsWith(`${name}:`));
    const known = { email_taken: 'email', credentials_invalid: 'password' }[error.code] ?? field;
    this.#alarm(wordsOf(error), known ? [known] : []);
  }

  #alarm(text, wrong = []) {
    write(find('account-alert'), text);
    for (const [name, id] of Object.entries(fields)) find(id).ariaInvalid = String(wrong.includes(name));
    if (wrong[0]) find(fields[wrong[0]]).focus();
  }
}
