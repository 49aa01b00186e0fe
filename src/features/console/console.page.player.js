// All that is known of one player. What no feature here knows is said to be absent.

import { path, Refused } from './api.js';
import { askBlock, askUnblock, isOver } from './blocks.js';
import { Field } from './dialog.js';
import { flagColumns } from './flags.js';
import { Component, html } from './markup.js';
import { badge, data, Facts, Pages, Part, Problem, Table } from './parts.js';
import { moment, named, number, t } from './words.js';

const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const windows = ['daily', 'weekly', 'seasonal'];
// The log has no index by player: its end is looked through.
const lookedThrough = 1000;
const maxEvents = 50;
// What is answered of a name that nobody has, or that nobody can have.
const unknown = ['player_not_found', 'user_not_found', 'name_impossible', 'validation_failed'];

export class Player extends Component {
  state = { text: this.props.of };

  componentDidUpdate(before) {
    if (before.of !== this.props.of) this.setState({ text: this.props.of, error: undefined });
  }

  /** An address is an account's, and a player's id may look like one, too. */
  async #find(event) {
    event.preventDefault();
    const { desk } = this.props;
    const text = this.state.text.trim();
    if (text === '') return;
    this.setState({ error: undefined });
    try {
      const id = text.includes('@') ? await idOf(desk.api, text) : text;
      desk.go(`player/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.setState({ error });
    }
  }

  render({ desk, of }, { text, error }) {
    return html`
      <form class="search" role="search" onSubmit=${(event) => this.#find(event)}>
        <${Field}
          label=${t('player.id')}
          hint=${t('player.hint')}
          value=${text}
          autocapitalize="off"
          spellcheck="false"
          maxlength="254"
          change=${(value) => this.setState({ text: value })}
        />
        <button class="primary">${t('player.find')}</button>
      </form>
      ${error && html`<${Problem} error=${error} />`}
      ${of !== '' && html`<${Named} key=${of} desk=${desk} id=${of} />`}
    `;
  }
}

/** Where nobody has such an address, or nobody here knows accounts, it is a player's id. */
async function idOf(api, text) {
  try {
    const { users } = await api.get('/users', { email: text });
    return users[0]?.id ?? text;
  } catch (error) {
    if (['validation_failed', 'route_not_found'].includes(error.code)) return text;
    throw error;
  }
}

/** A name that may have been mistyped: a sheet of nothing would look like a player's. */
function Named({ desk, id }) {
  const nobody = id.includes('@') ? t('player.no_address') : t('player.nobody');
  return html`<p class="subject">${data(id)}</p>
    <${Part} desk=${desk} load=${() => isKnown(desk.api, id)}>
      ${(known) => (known.is ? html`<${Sheet} desk=${desk} id=${id} />` : html`<p>${nobody}</p>`)}
    <//>`;
}

/** Whether anything is known of a name. Where it cannot be asked, the parts of the sheet say so. */
async function isKnown(api, id) {
  const ways = [
    async () => Boolean(await api.get(path`/players/${id}/progress`)),
    async () => {
      const { blocked, flags, strikes } = await api.get(path`/fairness/players/${id}`);
      return blocked || flags > 0 || strikes > 0;
    },
    async () => Boolean(await accountOf(api, id)),
    async () => (await eventsOf(api, id)).found.length > 0,
  ];
  for (const way of ways) if (await knows(way)) return { is: true };
  return { is: false };
}

async function knows(way) {
  try {
    return await way();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return !unknown.includes(error.code);
  }
}

/** One player: each part is asked for by itself. */
function Sheet({ desk, id }) {
  const { api } = desk;
  const part = (title, absent, load, draw, more) => html`<section class="card" aria-label=${t(title)}>
    <h2>${t(title)}</h2>
    <${Part} desk=${desk} absent=${absent} load=${load} ...${more}>${draw}<//>
  </section>`;
  return html`
    <div class="sheet">
      ${part('player.account', 'users', () => accountOf(api, id), account, { nothing: { user_not_found: t('player.no_account') } })}
      ${part('player.progress', 'progression', () => api.get(path`/players/${id}/progress`), progress, {
        nothing: { player_not_found: t('player.no_progress') },
      })}
      ${part(
        'player.fairness',
        'fairness',
        () => api.get(path`/fairness/players/${id}`),
        (found, reload) => standing(desk, found, reload),
        { again: ({ blocked, ...block }, now) => blocked && isOver(block, now) },
      )}
      ${part('player.ranks', 'leaderboard', () => ranksOf(api, id), ranks)}
      <section class="card wide" aria-label=${t('player.rewards')}>
        <h2>${t('player.rewards')}</h2>
        <${Pages} desk=${desk} of=${id} absent="progression"
          nothing=${{ player_not_found: t('player.no_progress') }}
          load=${(pageToken) => api.get(path`/players/${id}/rewards`, { pageSize: 10, pageToken })}>${rewards}<//>
      </section>
      <section class="card wide" aria-label=${t('view.flags')}>
        <h2>${t('view.flags')}</h2>
        <${Pages} desk=${desk} of=${id} absent="fairness"
          load=${(pageToken) => api.get('/fairness/flags', { playerId: id, pageSize: 10, pageToken })}>
          ${({ flags }) => html`<${Table} caption=${t('view.flags')} rows=${flags} columns=${flagColumns(false)} empty=${t('flags.none')} />`}
        <//>
      </section>
      <section class="card wide" aria-label=${t('player.events')}>
        <h2>${t('player.events')}</h2>
        <${Part} desk=${desk} absent="events-gateway" load=${() => eventsOf(api, id)}>${events}<//>
      </section>
    </div>
  `;
}

/** Who plays without an account has an id that is no user's. */
async function accountOf(api, id) {
  return ulid.test(id) ? await api.get(path`/users/${id}`) : null;
}

function account(user) {
  if (!user) return html`<p class="faint">${t('player.no_account')}</p>`;
  return html`<${Facts}
    facts=${[
      [t('player.name'), data(user.name)],
      [t('player.email'), data(user.email)],
      [t('player.age'), user.age === undefined ? undefined : number(user.age)],
      [t('player.since'), moment(user.createdAt)],
      [t('player.changed'), moment(user.updatedAt)],
    ]}
  />`;
}

function progress(found) {
  return html`<${Facts}
    facts=${[
      [t('player.level'), number(found.level)],
      [t('player.xp'), number(found.xp)],
      [t('player.missing'), number(found.xpForNextLevel)],
      [t('player.kills'), number(found.bossKills)],
      [t('player.drops'), number(found.dropsClaimed)],
      [t('player.changed'), moment(found.updatedAt)],
    ]}
  />`;
}

function standing(desk, found, reload) {
  const { playerId, blocked } = found;
  return html`<${Facts}
      facts=${[
        [t('player.is'), blocked ? badge(t('player.blocked'), 'bad') : badge(t('player.free'), 'good')],
        [t('block.until'), moment(found.blockedUntil)],
        [t('block.reason'), found.reason && data(found.reason)],
        [t('player.strikes'), number(found.strikes)],
        [t('player.flagged'), number(found.flags)],
      ]}
    />
    <div class="buttons">
      <button type="button" class="danger" onClick=${() => askBlock(desk, playerId, reload)}>${t('block.do')}</button>
      ${blocked && html`<button type="button" onClick=${() => askUnblock(desk, playerId, reload)}>${t('unblock.do')}</button>`}
    </div>`;
}

async function ranksOf(api, id) {
  const asked = windows.map(async (window) => {
    try {
      return [window, await api.get(path`/leaderboard/players/${id}`, { window, around: 1 })];
    } catch (error) {
      if (error.code !== 'player_not_ranked') throw error;
      return [window, undefined];
    }
  });
  return await Promise.all(asked);
}

function ranks(found) {
  return html`<${Table}
    caption=${t('player.ranks')}
    rows=${found}
    columns=${[
      { label: t('board'), cell: ([window]) => named('window', window) },
      {
        label: t('board.rank'),
        isNumber: true,
        cell: ([, rank]) => (rank ? `${number(rank.rank)} / ${number(rank.total)}` : t('board.unranked')),
      },
      { label: t('board.score'), isNumber: true, cell: ([, rank]) => (rank ? number(rank.score) : '–') },
    ]}
  />`;
}

function rewards({ rewards: found }) {
  return html`<${Table}
    caption=${t('player.rewards')}
    rows=${found}
    empty=${t('player.no_rewards')}
    columns=${[
      { label: t('reward'), cell: ({ rewardId }) => data(rewardId) },
      { label: t('reward.kind'), cell: ({ kind }) => named('kind', kind) },
      { label: t('reward.state'), cell: ({ status }) => named('status', status) },
      { label: t('reward.earned'), cell: ({ earnedAt }) => moment(earnedAt) },
    ]}
  />`;
}

/** Those of the player among the last of the log, newest first. */
async function eventsOf(api, id) {
  const { seq } = await api.get('/events/head');
  const { events: last } = await api.get('/events', {
    afterSeq: String(Math.max(0, seq - lookedThrough)),
    limit: lookedThrough,
  });
  return { looked: last.length, found: last.filter(({ playerId }) => playerId === id).reverse() };
}

function events({ looked, found }) {
  return html`<p class="faint">${t('player.looked', { count: number(looked), found: number(found.length) })}</p>
    <${Table}
      caption=${t('player.events')}
      rows=${found.slice(0, maxEvents)}
      empty=${t('player.no_events')}
      columns=${[
        { label: t('event'), cell: ({ id }) => data(id) },
        { label: t('event.type'), cell: ({ type }) => named('event', type) },
        { label: t('event.points'), isNumber: true, cell: ({ points }) => number(points) },
        { label: t('event.at'), cell: ({ acceptedAt }) => moment(acceptedAt) },
      ]}
    />`;
}
