// What rules have found, for a person to judge.

import { path } from './api.js';
import { choices, Field } from './dialog.js';
import { Component, html } from './markup.js';
import { badge, data, Pages, Table } from './parts.js';
import { moment, named, number, t } from './words.js';

export const rules = ['flood', 'jump', 'outlier'];
const verdicts = ['confirmed', 'false_positive', 'dismissed'];
const tones = { open: 'warn', confirmed: 'bad', false_positive: 'good', dismissed: '' };

export class Flags extends Component {
  state = { verdict: 'open', rule: '' };

  render({ desk }, { verdict, rule }) {
    const filter = (name, options) => html`<${Field}
      label=${t(`flag.${name}`)}
      options=${[['', t('all')], ...options]}
      value=${this.state[name]}
      change=${(value) => this.setState({ [name]: value })}
    />`;
    return html`<p>${t('flags.text')}</p>
      <div class="filters" role="group" aria-label=${t('filter')}>
        ${filter('verdict', choices('verdict', ['open', ...verdicts]))} ${filter('rule', choices('rule', rules))}
      </div>
      <${Pages}
        desk=${desk}
        absent="fairness"
        of=${`${verdict} ${rule}`}
        load=${(pageToken) => desk.api.get('/fairness/flags', { verdict, rule, pageToken })}
      >
        ${({ flags }, reload) =>
          html`<${Table}
            caption=${t('view.flags')}
            rows=${flags}
            empty=${t('flags.none')}
            columns=${[...flagColumns(true), { label: t('flag.judge'), cell: (flag) => judging(desk, flag, reload) }]}
          />`}
      <//>`;
  }
}

/** `isLinked`: with a way to the player. */
export function flagColumns(isLinked) {
  const player = ({ playerId }) => html`<a href=${`#player/${encodeURIComponent(playerId)}`}>${data(playerId)}</a>`;
  return [
    ...(isLinked ? [{ label: t('player'), cell: player }] : []),
    {
      label: t('flag.rule'),
      cell: ({ rule, ruleVersion }) =>
        html`${named('rule', rule)} <span class="faint">${t('version', { version: number(ruleVersion) })}</span>`,
    },
    { label: t('flag.observed'), isNumber: true, cell: ({ observed }) => number(observed, 2) },
    { label: t('flag.threshold'), isNumber: true, cell: ({ threshold }) => number(threshold, 2) },
    { label: t('event'), cell: ({ eventId }) => data(eventId) },
    { label: t('flag.at'), cell: ({ createdAt }) => moment(createdAt) },
    { label: t('flag.verdict'), cell: ({ verdict }) => badge(named('verdict', verdict), tones[verdict]) },
  ];
}

/** A verdict can be changed, and has no effect on the player. */
function judging(desk, flag, reload) {
  const judge = (verdict) =>
    desk.ask({
      title: t(`judge.${verdict}`),
      text: t('judge.text', { player: flag.playerId, rule: named('rule', flag.rule) }),
      action: t(`judge.${verdict}`),
      run: (_values, key) =>
        desk.api.command('POST', path`/fairness/flags/${flag.id}/review`, { body: { verdict }, key }),
      reload,
      done: () => {
        reload();
        return t('judge.done', { verdict: named('verdict', verdict) });
      },
    });
  return html`<span class="buttons small">
    ${verdicts
      .filter((verdict) => verdict !== flag.verdict)
      .map(
        (verdict) =>
          html`<button type="button" aria-label=${t('judge.of', { verdict: t(`judge.${verdict}`), player: flag.playerId })}
            onClick=${() => judge(verdict)}>${t(`judge.${verdict}`)}</button>`,
      )}
  </span>`;
}
