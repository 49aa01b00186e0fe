// Who may send no events.

import { path } from './api.js';
import { Component, html } from './markup.js';
import { data, Pages, Table } from './parts.js';
import { moment, named, span, t } from './words.js';

const spans = [600, 3600, 86_400, 604_800, 2_592_000];

export class Blocks extends Component {
  state = { changes: 0 };

  render({ desk }, { changes }) {
    const changed = () => this.setState({ changes: changes + 1 });
    return html`<p>${t('blocks.text')}</p>
      <div class="buttons">
        <button type="button" class="danger" onClick=${() => askBlock(desk, undefined, changed)}>${t('block.new')}</button>
      </div>
      <${Pages}
        desk=${desk}
        absent="fairness"
        of=${String(changes)}
        again=${({ blocks }, now) => blocks.some((block) => isOver(block, now))}
        load=${(pageToken) => desk.api.get('/fairness/blocks', { pageToken })}
      >
        ${({ blocks }) =>
          html`<${Table} caption=${t('view.blocks')} rows=${blocks} empty=${t('blocks.none')} columns=${columns(desk, changed)} />`}
      <//>`;
  }
}

/** A block ends by itself. */
export function isOver({ blockedUntil }, now) {
  return Boolean(blockedUntil) && Date.parse(blockedUntil) <= Date.parse(now);
}

function columns(desk, changed) {
  const player = ({ playerId }) => html`<a href=${`#player/${encodeURIComponent(playerId)}`}>${data(playerId)}</a>`;
  const end = ({ playerId }) =>
    html`<button
      type="button"
      aria-label=${t('unblock.of', { player: playerId })}
      onClick=${() => askUnblock(desk, playerId, changed)}
    >
      ${t('unblock.do')}
    </button>`;
  return [
    { label: t('player'), cell: player },
    { label: t('block.by'), cell: ({ rule }) => named('rule', rule) },
    { label: t('block.reason'), cell: ({ reason }) => data(reason) },
    { label: t('block.from'), cell: ({ blockedAt }) => moment(blockedAt) },
    { label: t('block.until'), cell: ({ blockedUntil }) => moment(blockedUntil) },
    { label: t('block.end'), cell: end },
  ];
}

/** `player`: unless it is asked for, too. */
export function askBlock(desk, player, done) {
  desk.ask({
    title: player === undefined ? t('block.new') : t('block.title', { player }),
    text: t('block.text'),
    isDangerous: true,
    action: t('block.do'),
    fields: [
      ...(player === undefined
        ? [{ name: 'playerId', label: t('block.player'), required: true, autocapitalize: 'off', spellcheck: 'false' }]
        : []),
      {
        name: 'seconds',
        label: t('block.for'),
        value: String(spans[0]),
        options: spans.map((each) => [String(each), span(each)]),
      },
      { name: 'reason', label: t('block.reason'), hint: t('block.reason.hint'), required: true },
    ],
    run: ({ playerId = player, seconds, reason }, key) =>
      desk.api.command('POST', path`/fairness/players/${playerId}/block`, {
        body: { seconds: Number(seconds), reason },
        key,
      }),
    reload: done,
    done: ({ playerId, blockedUntil }) => {
      done();
      return t('block.done', { player: playerId, until: moment(blockedUntil) });
    },
  });
}

export function askUnblock(desk, player, done) {
  desk.ask({
    title: t('unblock.title', { player }),
    text: t('unblock.text'),
    action: t('unblock.do'),
    run: (_values, key) => desk.api.command('DELETE', path`/fairness/players/${player}/block`, { key }),
    reload: done,
    done: () => {
      done();
      return t('unblock.done', { player });
    },
  });
}
