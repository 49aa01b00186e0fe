// The page around the views: who it is, where one is, what is said and asked.

import { Calls, Refused } from './api.js';
import { Dialog } from './dialog.js';
import { History } from './history.js';
import { Component, html, newId } from './markup.js';
import { SignIn } from './session.js';
import { views } from './views.js';
import { languageNow, moment, speak, t } from './words.js';

const lookMs = 3000;
const saidMs = 10_000;
const languages = [
  ['en', 'English'],
  ['ko', '한국어'],
];

/** `#sales/launch`: the view, and what of it. */
function place() {
  const [name = '', ...rest] = location.hash.slice(1).split('/');
  const view = views.find((one) => one.name === name) ?? views[0];
  return { view, of: decoded(rest.join('/')) };
}

/** Somebody may have typed it. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export class App extends Component {
  state = { phase: 'opening', ...place(), trouble: '' };
  api = new Calls();
  history = new History();
  /** What views have asked for. */
  parts = new Set();
  #timer;

  componentDidMount() {
    // The question was about what one has left.
    addEventListener('hashchange', () => this.setState({ ...place(), asked: undefined }));
    this.api.onExpired = () => this.#leave('sign.expired');
    this.api.onLost = () => this.#reach('gone');
    this.#open();
  }

  componentDidUpdate(_props, before) {
    const { phase, view, of, asked, why } = this.state;
    const shown = phase === 'in' ? [of, t(`view.${view.name}`)].filter(Boolean).join(' - ') : t('sign.title');
    document.title = t('title', { view: shown });
    // A dialog gives the focus back by itself.
    if (asked || before.phase === undefined) return;
    const isElsewhere = before.phase !== phase || before.view !== view || before.of !== of;
    if (!isElsewhere || phase === 'opening') return;
    // Why one is out is read first.
    if (phase === 'out' && !why) document.querySelector('main input[type=password]').focus();
    else if (before.phase !== 'opening') this.#focus();
  }

  say(text) {
    clearTimeout(this.#timer);
    this.setState({ said: text });
    this.#timer = setTimeout(() => this.setState({ said: '' }), saidMs);
  }

  /** See Dialog. Each question is one of its own, though it has the words of the last. */
  ask(asked) {
    this.setState({ asked: { ...asked, id: newId() } });
  }

  /** A browser tells it later than it gives the focus back: the next question may stand there by then. */
  #closed({ id }) {
    if (this.state.asked?.id === id) this.setState({ asked: undefined });
  }

  go(hash) {
    location.hash = hash;
  }

  /** Who needs no secret, as a developer on this machine, is let in. */
  async #open() {
    try {
      this.#enter(t('who.developer'), await this.api.stats());
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (!error.isPassing) return this.setState({ phase: 'out' });
      this.#reach(troubleOf(error));
      setTimeout(() => this.#open(), lookMs);
    }
  }

  #enter(who, stats) {
    this.history.add(stats);
    this.setState({ phase: 'in', who, why: undefined, trouble: '' });
    setTimeout(() => this.#look(), lookMs);
  }

  #leave(why) {
    this.history = new History();
    this.setState({ phase: 'out', why, asked: undefined, said: '', trouble: '' });
  }

  #signOut() {
    this.api.signIn(undefined);
    this.#leave();
  }

  /** Looks at the numbers for as long as somebody is signed in. */
  async #look() {
    const { history } = this;
    let trouble = '';
    try {
      const stats = await this.api.stats();
      history.add(stats);
      for (const part of [...this.parts]) part.look(stats.asOf);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // An administrator no longer.
      if (error.status === 403 && !error.isStrange) return this.#leave('error.sign_forbidden');
      history.miss();
      trouble = troubleOf(error);
    }
    // Somebody else may be in by now, whose looks are others.
    if (this.state.phase !== 'in' || history !== this.history) return;
    this.#reach(trouble);
    this.setState({});
    setTimeout(() => this.#look(), lookMs);
    return undefined;
  }

  /** What is wrong with the way to the server; with nothing any more, what has failed is asked for again. */
  #reach(trouble) {
    if (trouble === this.state.trouble) return;
    this.setState({ trouble });
    if (trouble === '') this.#renew();
  }

  #renew() {
    for (const part of [...this.parts]) part.load();
  }

  #focus() {
    document.querySelector('h1')?.focus();
  }

  #skip(event) {
    event.preventDefault();
    this.#focus();
  }

  render(_props, { phase, view, of, said, asked, trouble, why, who }) {
    // Where nobody tries again by itself, the form says what is wrong.
    const network = phase === 'out' || trouble === '' ? '' : t(`network.${trouble}`);
    return html`
      ${phase === 'in' && html`<a class="skip" href="#" onClick=${(event) => this.#skip(event)}>${t('skip')}</a>`}
      <header class="top">
        <p class="brand">${t('brand')}</p>
        ${phase === 'in' && html`<p class="who"><span class="visually-hidden">${t('who')}</span> <bdi>${who}</bdi></p>`}
        ${this.#languages()}
        ${phase === 'in' && html`<button type="button" onClick=${() => this.#signOut()}>${t('sign.out')}</button>`}
      </header>
      ${phase === 'in' && navigation(view)}
      <p class="network" role="status">${network}</p>
      <main class=${phase}>
        ${phase === 'opening' && html`<p class="faint">${t('loading')}</p>`}
        ${
          phase === 'out' &&
          html`<${SignIn}
            api=${this.api}
            why=${why}
            entered=${(name, stats) => this.#enter(name, stats)}
          />`
        }
        ${
          phase === 'in' &&
          html`<h1 tabindex="-1">${t(`view.${view.name}`)}</h1>
            <${view.draw} key=${view.name} desk=${this} of=${of} />
            ${age([...this.parts], () => this.#renew())}
            <p class="faint">${t('times')}</p>`
        }
      </main>
      <p class="said" role="status">${said}</p>
      ${asked && html`<${Dialog} key=${asked.id} desk=${this} asked=${asked} closed=${() => this.#closed(asked)} />`}
    `;
  }

  #languages() {
    const change = (event) => {
      speak(event.currentTarget.value);
      this.setState({});
    };
    return html`<label class="language">
      <span class="visually-hidden">${t('language')}</span>
      <select onChange=${change}>
        ${languages.map(
          ([tag, name]) => html`<option value=${tag} lang=${tag} selected=${tag === languageNow()}>${name}</option>`,
        )}
      </select>
    </label>`;
  }
}

/** How old the oldest of what is shown is, and a way to ask for all of it anew. */
function age(parts, renew) {
  if (parts.length === 0) return null;
  const oldest = Math.min(...parts.flatMap(({ at = [] }) => at));
  return html`<p class="age">
    ${Number.isFinite(oldest) && html`<span class="faint">${t('asof', { time: moment(oldest) })}</span>`}
    <button type="button" onClick=${renew}>${t('renew')}</button>
  </p>`;
}

/** Why the numbers are not those of now. */
function troubleOf({ status, isStrange }) {
  if (status === 0) return 'gone';
  return isStrange ? 'strange' : 'unwell';
}

function navigation(view) {
  return html`<nav aria-label=${t('views')}>
    <ul>
      ${views.map(
        ({ name }) => html`<li>
          <a href=${`#${name}`} aria-current=${name === view.name ? 'page' : undefined}>${t(`view.${name}`)}</a>
        </li>`,
      )}
    </ul>
  </nav>`;
}
