// The rules of fairness, and what they do.

import { path } from './api.js';
import { choices, Field } from './dialog.js';
import { Component, html } from './markup.js';
import { data, Facts, Part, Table } from './parts.js';
import { moment, named, number, t } from './words.js';

const modes = ['off', 'shadow', 'enforce'];

export function Rules({ desk }) {
  return html`<p>${t('rules.text')}</p>
    <${Part} desk=${desk} absent="fairness" load=${() => desk.api.get('/fairness/rules')}>
      ${({ rules }, reload) =>
        html`<div class="sheet">
          ${rules.map((rule) => html`<${Rule} key=${`${rule.id} ${rule.version}`} desk=${desk} rule=${rule} reload=${reload} />`)}
        </div>`}
    <//>`;
}

/** One rule as a form. Nothing is sent before what changes was shown. */
class Rule extends Component {
  state = { mode: this.props.rule.mode, thresholds: texts(this.props.rule.thresholds) };

  #submit(event) {
    event.preventDefault();
    const { desk, rule, reload } = this.props;
    const changes = changesOf(rule, this.state);
    if (changes.lines.length === 0) return desk.say(t('rule.same'));
    desk.ask({
      title: t('rule.title', { rule: named('rule', rule.id) }),
      text: [t('rule.effect'), ...changes.lines],
      isDangerous: true,
      action: t('rule.change'),
      // Only while it is the version that was shown.
      run: (_values, key) =>
        desk.api.command('PATCH', path`/fairness/rules/${rule.id}`, {
          body: { ...changes.body, expectedVersion: rule.version },
          key,
        }),
      reload,
      done: ({ version }) => {
        reload();
        return t('rule.done', { rule: named('rule', rule.id), version: number(version) });
      },
    });
  }

  render({ rule, desk }, { mode, thresholds }) {
    return html`<section class="card" aria-label=${named('rule', rule.id)}>
      <h2>${named('rule', rule.id)}</h2>
      <p class="hint">${t(`rule.about.${rule.id}`)}</p>
      <${Facts} facts=${[[t('rule.version'), number(rule.version)], [t('rule.changed'), moment(rule.updatedAt)]]} />
      <form class="stack" onSubmit=${(event) => this.#submit(event)}>
        <${Field}
          label=${t('rule.mode')}
          hint=${t(`mode.about.${mode}`)}
          options=${choices('mode', modes)}
          value=${mode}
          change=${(value) => this.setState({ mode: value })}
        />
        ${Object.entries(thresholds).map(
          ([name, text]) =>
            html`<${Field}
              key=${name}
              label=${named('threshold', name)}
              inputmode="decimal"
              value=${text}
              required
              change=${(value) => this.setState({ thresholds: { ...thresholds, [name]: value } })}
            />`,
        )}
        <div class="buttons"><button class="primary">${t('rule.change')}</button></div>
      </form>
      <h3>${t('rule.decisions')}</h3>
      ${decisions(desk, rule)}
    </section>`;
  }
}

function texts(thresholds) {
  return Object.fromEntries(Object.entries(thresholds).map(([name, value]) => [name, String(value)]));
}

/** What is sent, and each change in words. What is no number is sent as it was typed: the server says what is wrong. */
function changesOf(rule, { mode, thresholds }) {
  const changed = Object.entries(thresholds).filter(([name, text]) => text.trim() !== String(rule.thresholds[name]));
  const sent = (text) => (text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text));
  const line = (what, from, to) => t('rule.line', { what, from, to });
  return {
    body: {
      ...(mode !== rule.mode && { mode }),
      ...(changed.length > 0 && {
        thresholds: Object.fromEntries(changed.map(([name, text]) => [name, sent(text)])),
      }),
    },
    lines: [
      ...(mode === rule.mode ? [] : [line(t('rule.mode'), named('mode', rule.mode), named('mode', mode))]),
      ...changed.map(([name, text]) => line(named('threshold', name), rule.thresholds[name], text)),
    ],
  };
}

/** Counted by the process that answers, since it began; it goes on counting while one looks. */
function decisions({ history }, { id }) {
  const rows = (history.latest?.decisions ?? []).filter(({ rule }) => rule === id);
  return html`<${Table}
    caption=${t('rule.decisions')}
    rows=${rows}
    empty=${t('rule.no_decisions')}
    columns=${[
      { label: t('rule.action'), cell: ({ action }) => named('action', action) },
      { label: t('rule.mode'), cell: ({ mode }) => named('mode', mode) },
      { label: t('rule.count'), isNumber: true, cell: ({ count }) => data(number(count)) },
    ]}
  />`;
}
