// What is asked before something is done.

import { newKey, Refused } from './api.js';
import { Component, html, newId } from './markup.js';
import { Problem } from './parts.js';
import { isKnown, named, t } from './words.js';

// Whoever sends the same again is refused again.
const final = ['dead_letter_not_found', 'flag_not_found', 'sale_not_found', 'sale_closed', 'version_mismatch'];
const outdated = [404, 409, 412];

/**
 * Asks for one command: `{ title, text, fields, action, isDangerous, run, done, reload }`. `run(values, key)` sends it; `done(answer)`
 * has the words to say afterwards; `reload()` asks for what lies behind the question, where somebody else was faster. Sent again unchanged it has the same key, since nobody knows what became of it.
 */
export class Dialog extends Component {
  state = { values: Object.fromEntries((this.props.asked.fields ?? []).map(({ name, value = '' }) => [name, value])) };
  #node;
  #key = newKey();
  #titleId = newId();
  #textId = newId();
  #isGone = false;

  componentDidMount() {
    this.#node.showModal();
  }

  componentWillUnmount() {
    this.#isGone = true;
  }

  /** Only once nobody waits for an answer: until then it is not known whether it was done. */
  #close() {
    if (!this.state.busy) this.#node.close();
  }

  #change(name, value) {
    this.#key = newKey();
    this.setState({ values: { ...this.state.values, [name]: value }, error: undefined });
  }

  async #submit(event) {
    event.preventDefault();
    if (this.state.busy) return;
    const { run, done } = this.props.asked;
    this.setState({ busy: true, error: undefined });
    try {
      const answer = await run(this.state.values, this.#key);
      this.setState({ busy: false });
      this.#node.close();
      this.props.desk.say(done(answer));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Whoever is signed out has no question to answer.
      if (this.#isGone) return this.#sayOf(error);
      if (outdated.includes(error.status)) this.props.asked.reload();
      const isOver = final.includes(error.code);
      // The button that had it goes.
      this.setState({ busy: false, error }, () => isOver && this.#node.querySelector('button[type=button]').focus());
    }
  }

  /** Whoever has gone back meanwhile learns of it, too. */
  #sayOf({ code }) {
    const { desk, asked } = this.props;
    const words = t(isKnown(`error.${code}`) ? `error.${code}` : 'error.unknown');
    if (desk.state.phase === 'in') desk.say(`${asked.title}: ${words}`);
  }

  render({ asked, closed }, { values, error, busy }) {
    const { title, text, fields = [], action, isDangerous } = asked;
    const cancelled = (event) => {
      if (this.state.busy) event.preventDefault();
    };
    return html`<dialog
      ref=${(node) => {
        this.#node = node ?? this.#node;
      }}
      aria-labelledby=${this.#titleId}
      aria-describedby=${this.#textId}
      onClose=${closed}
      onCancel=${cancelled}
    >
      <form class="stack" onSubmit=${(event) => this.#submit(event)}>
        <h2 id=${this.#titleId}>${title}</h2>
        <div id=${this.#textId} class="stack">${[text].flat().map((line) => html`<p>${line}</p>`)}</div>
        ${fields.map(
          (field) =>
            html`<${Field}
              ...${field}
              value=${values[field.name]}
              error=${error?.fields.find((one) => one.field === field.name)}
              change=${(value) => this.#change(field.name, value)}
            />`,
        )}
        ${error && html`<${Problem} error=${error} />`}
        <div class="buttons">
          <button type="button" onClick=${() => this.#close()}>${t('cancel')}</button>
          ${
            !final.includes(error?.code) &&
            html`<button class=${isDangerous ? 'danger' : 'primary'} aria-disabled=${busy ? 'true' : 'false'}>
              ${error?.isPassing ? t('again') : action}
            </button>`
          }
        </div>
      </form>
    </dialog>`;
  }
}

/** A labelled field: `{ label, hint, type, options, value, change, error, wrong }`. `options`: `[value, word]`; `wrong`: what the page says of it. */
export class Field extends Component {
  #id = newId();

  render({ label, hint, type = 'text', options, value, change, error, wrong, change: _change, name: _name, ...rest }) {
    const described = [hint && `${this.#id}-hint`, (error || wrong) && `${this.#id}-error`].filter(Boolean).join(' ');
    const properties = {
      ...{ id: this.#id, value, 'aria-describedby': described || undefined },
      ...{ 'aria-invalid': error || wrong ? 'true' : undefined, ...rest },
      onInput: (event) => change(event.currentTarget.value),
    };
    return html`<div class="field">
      <label for=${this.#id}>${label}</label>
      ${
        options
          ? html`<select ...${properties}>
              ${options.map(([key, word]) => html`<option value=${key} selected=${key === value}>${word}</option>`)}
            </select>`
          : html`<input type=${type} ...${properties} />`
      }
      ${hint && html`<p id=${`${this.#id}-hint`} class="hint">${hint}</p>`}
      ${wrong && html`<p id=${`${this.#id}-error`} class="wrong">${wrong}</p>`}
      ${error && !wrong && html`<p id=${`${this.#id}-error`} class="wrong">${t('field.wrong')} <bdi>${error.message}</bdi></p>`}
    </div>`;
  }
}

/** The choices of a closed set, by its words. */
export function choices(kind, values) {
  return values.map((value) => [value, named(kind, value)]);
}
