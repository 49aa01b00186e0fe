// What views are made of: something that is asked for, a list in pages, a table, an error in words.

import { Refused } from './api.js';
import { Component, html } from './markup.js';
import { isKnown, moment, named, number, t } from './words.js';

/** An error for a person: what it means, the fields that it is about, and what to do. */
export function Problem({ error, retry }) {
  const { code, message, fields, trace } = error;
  const isTold = isKnown(`error.${code}`);
  return html`<div class="problem" role="alert">
    <p>${isTold ? t(`error.${code}`) : t('error.unknown')}</p>
    ${error.isUnsure && html`<p>${t('error.unsure')}</p>`}
    ${!isTold && html`<p><bdi>${code}</bdi> <bdi>${message}</bdi></p>`}
    ${
      fields.length > 0 &&
      html`<ul>
        ${fields.map((one) => html`<li><code>${one.field}</code> <bdi>${one.message}</bdi></li>`)}
      </ul>`
    }
    ${trace !== '' && !isTold && html`<p class="faint">${t('error.trace')} <code>${trace}</code></p>`}
    ${retry && html`<button type="button" onClick=${retry}>${t('again')}</button>`}
  </div>`;
}

/**
 * What `load` answers, drawn by its child; `absent`: the feature that may not be here; `nothing`: words by code for what is no
 * error; `again`: whether what there is wants to be asked for anew, at a time of the server's.
 */
export class Part extends Component {
  state = { busy: true };
  /** When it was answered, for as long as that is shown. */
  at;
  #node;
  #turn = 0;
  #reload = () => this.load();

  componentDidMount() {
    this.props.desk.parts.add(this);
    this.load();
  }

  componentDidUpdate(before) {
    if (before.of !== this.props.of) this.load();
  }

  componentWillUnmount() {
    const { desk } = this.props;
    desk.parts.delete(this);
    desk.setState({});
    this.#turn += 1;
  }

  /** Somebody has looked at the numbers, whose clock says `now`. */
  look(now) {
    const { data, busy } = this.state;
    if (data !== undefined && !busy && this.props.again?.(data, now)) this.load();
  }

  /** What was there stays until there is something else. */
  async load() {
    this.#turn += 1;
    const turn = this.#turn;
    this.setState({ busy: true });
    const found = await settled(this.props.load);
    // Something else was asked for meanwhile.
    if (turn !== this.#turn) return;
    this.at = found.error ? undefined : Date.now();
    this.props.desk.setState({});
    const hadFocus = this.#node.contains(document.activeElement);
    this.setState({ busy: false, error: undefined, ...found }, () => {
      // What had the focus may be gone, such as the button of a row.
      if (hadFocus && document.activeElement === document.body) document.querySelector('h1').focus();
    });
  }

  render({ absent, nothing = {}, children: draw }, { data, error, busy }) {
    const isAbsent = error?.code === 'route_not_found' || error?.code === 'method_not_allowed';
    const words = isAbsent && absent ? t('absent', { feature: named('feature', absent) }) : nothing[error?.code];
    return html`<div
      class="part"
      aria-busy=${busy ? 'true' : 'false'}
      ref=${(node) => {
        this.#node = node ?? this.#node;
      }}
    >
      ${error && words && html`<p class="faint">${words}</p>`}
      ${error && !words && html`<${Problem} error=${error} retry=${this.#reload} />`}
      ${!error && data !== undefined && draw(data, this.#reload)}
      ${!error && data === undefined && html`<p class="faint">${t('loading')}</p>`}
    </div>`;
  }
}

async function settled(load) {
  try {
    return { data: await load() };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { error };
  }
}

/** A list of the server's, a page at a time; `load` is asked with a page's token. */
export class Pages extends Component {
  state = {};

  render({ of, load, children: draw, ...rest }, state) {
    // Of another list they are worth nothing.
    const tokens = state.of === of ? state.tokens : [];
    const token = tokens.at(-1) ?? '';
    const turn = (next) => {
      this.setState({ of, tokens: next });
      this.props.desk.say(t('page', { page: number(next.length + 1) }));
    };
    return html`<${Part} ...${rest} of=${`${of} ${token}`} load=${() => load(token)}>
      ${(answer, reload) => html`${draw(answer, reload)}
        ${(tokens.length > 0 || answer.nextPageToken) && turning(tokens, answer.nextPageToken, turn)}`}
    <//>`;
  }
}

/** Where there is nothing further a button stays, and says so: what has the focus must not vanish. */
function turning(tokens, next, turn) {
  const button = (name, is, go) =>
    html`<button type="button" aria-disabled=${is ? 'false' : 'true'} onClick=${() => is && go()}>${t(name)}</button>`;
  return html`<div class="turning" role="group" aria-label=${t('pages')}>
    ${button('page.before', tokens.length > 0, () => turn(tokens.slice(0, -1)))}
    <span>${t('page', { page: number(tokens.length + 1) })}</span>
    ${button('page.next', next !== '', () => turn([...tokens, next]))}
  </div>`;
}

/**
 * Rows under headings: `{ label, cell, isNumber }`; `empty` where there is none. On a small screen each row is a list of its
 * own, so the roles are said: a browser forgets them there.
 */
export function Table({ caption, columns, rows, empty, isShown }) {
  if (rows.length === 0) return html`<p class="faint">${empty}</p>`;
  return html`<table class="rows" role="table">
    <caption class=${isShown ? '' : 'visually-hidden'}>${caption}</caption>
    <thead role="rowgroup">
      <tr role="row">
        ${columns.map(({ label, isNumber }) => html`<th role="columnheader" class=${isNumber ? 'number' : ''}>${label}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) => html`<tr role="row">
          ${columns.map(
            ({ label, cell, isNumber }) => html`<td role="cell" class=${isNumber ? 'number' : ''}>
              <span class="label" aria-hidden="true">${label}</span><span class="value">${cell(row)}</span>
            </td>`,
          )}
        </tr>`,
      )}
    </tbody>
  </table>`;
}

/** Names and values: `[name, value]`. What has no value is left out. */
export function Facts({ facts }) {
  return html`<dl class="facts">
    ${facts
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}
  </dl>`;
}

/** Somebody's words, or a name of the server's: never one of the page's. */
export function data(value) {
  return html`<bdi>${value}</bdi>`;
}

/** Of when the numbers of the process are, where they are no longer those of now. */
export function Stale({ history: { latest, isStale } }) {
  return isStale && html`<p class="stale">${t('process.stale', { time: moment(latest.asOf) })}</p>`;
}

/** A state, told by its word; the colour only says it once more. */
export function badge(word, tone = '') {
  return html`<span class=${`badge ${tone}`}>${word}</span>`;
}
