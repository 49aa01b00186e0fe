// How it goes: what is most urgent in words, then the last quarter of an hour.

import { Chart } from './chart.js';
import { countOf, total } from './history.js';
import { Component, html } from './markup.js';
import { badge, data, Part, Stale, Table } from './parts.js';
import { moment, named, number, rate, t } from './words.js';

const maxLines = 6;
const percent = 100;
const mebibyte = 1_048_576;
const boards = ['daily', 'weekly', 'seasonal'];

export class Overview extends Component {
  render({ desk }) {
    const { history } = desk;
    const { latest } = history;
    return html`
      ${asked(desk)}
      <${Stale} history=${history} />
      ${latest && tiles(history, latest)}
      <div class="charts">
        ${charts(history, latest).map(
          ([name, unit, lines]) =>
            html`<${Chart} key=${name} title=${t(`chart.${name}`)} unit=${t(unit)} times=${history.times} lines=${lines} />`,
        )}
      </div>
      <h2>${t('snapshots')}</h2>
      <${Part} desk=${desk} absent="leaderboard" load=${() => newestSnapshots(desk.api)}>${snapshots}<//>
    `;
  }
}

/** Behind a balancer several answer; the numbers are those of one. */
function asked(desk) {
  const { history } = desk;
  const { processes } = history;
  const choose = (event) => {
    history.chosen = event.currentTarget.value;
    desk.setState({});
  };
  if (processes.length < 2) return html`<p class="faint">${t('process.one')} ${data(processes[0]?.[1] ?? '')}</p>`;
  return html`<label class="field">
    ${t('process.several')}
    <select onChange=${choose}>
      ${processes.map(([id, name]) => html`<option value=${id} selected=${id === history.shown}>${name}</option>`)}
    </select>
  </label>`;
}

function tiles(history, latest) {
  const now = (pick) => rate(history.rates(pick).findLast((value) => value !== null) ?? 0);
  const behind = Math.max(0, ...latest.consumers.map(({ events }) => events));
  const givenUp = latest.consumers.reduce((sum, one) => sum + one.givenUp, 0);
  const parked = latest.outboxes.reduce((sum, one) => sum + one.parked, 0);
  const status = badge(named('status', latest.status), latest.status === 'ready' ? 'good' : 'bad');
  return html`<ul class="tiles">
    ${tile('tile.ready', history.isStale ? badge(t('tile.silent'), 'bad') : status)}
    ${tile(
      'tile.events',
      now(({ events }) => total(events)),
    )}
    ${tile(
      'tile.refused',
      now(({ refused }) => total(refused)),
    )}
    ${tile(
      'tile.failed',
      now(({ requests }) => countOf(requests, '5xx')),
    )}
    ${tile('tile.behind', number(behind))}
    ${tile('tile.given_up', number(givenUp))}
    ${tile('tile.parked', number(parked))}
  </ul>`;
}

function tile(name, value) {
  return html`<li class="card"><span class="name">${t(name)}</span> <strong>${value}</strong></li>`;
}

/** `[name, unit, lines]`. What is not counted in this process has no lines. */
function charts(history, latest) {
  const rates = (field, kind) => grown(history, latest, field, kind);
  const levels = (field, kind) =>
    lines(names(latest?.[field]), kind, (name) => history.levels((one) => countOf(one[field], name)));
  const perMinute = (field) =>
    rates(field, 'status').map(({ name, values }) => ({ name, values: values.map(minutely) }));
  return [
    ['intake', 'unit.second', [...rates('events', 'intake'), ...refusals(history, latest)]],
    ['refused', 'unit.second', rates('refused', 'code')],
    ['lag', 'unit.events', consumers(history, latest)],
    ['outbox', 'unit.waiting', outboxes(history, latest)],
    ['requests', 'unit.second', rates('requests', 'http')],
    ['load', 'unit.percent', load(history, latest)],
    ['memory', 'unit.mebibytes', memory(history, latest)],
    ['boards', 'unit.players', levels('boards', 'window')],
    ['chat', 'unit.connected', levels('chatClients', 'wire')],
    ['said', 'unit.second', [...rates('chatMessages', 'said'), ...rates('chatDropped', 'dropped')]],
    ['reservations', 'unit.minute', perMinute('reservations')],
    ['queue', 'unit.people', queue(history, latest)],
  ];
}

function names(counts = []) {
  return counts.map(({ name }) => name);
}

function lines(all, kind, valuesOf) {
  return all.slice(0, maxLines).map((name) => ({ name: named(kind, name), values: valuesOf(name) }));
}

/** The largest counts, as rates. */
function grown(history, latest, field, kind) {
  const counts = [...(latest?.[field] ?? [])].sort((one, other) => other.count - one.count);
  return lines(names(counts), kind, (name) => history.rates((one) => countOf(one[field], name)));
}

function refusals(history, latest) {
  if (!latest || latest.events.length + latest.refused.length === 0) return [];
  return [{ name: t('intake.refused'), values: history.rates(({ refused }) => total(refused)) }];
}

function consumers(history, latest) {
  return lines(
    (latest?.consumers ?? []).map(({ consumer }) => consumer),
    'feature',
    (name) => history.levels((one) => one.consumers.find(({ consumer }) => consumer === name)?.events),
  );
}

function outboxes(history, latest) {
  const from = [...new Set((latest?.outboxes ?? []).map(({ feature }) => feature))];
  const waiting = ({ outboxes: all }, name) =>
    all.filter(({ feature }) => feature === name).reduce((sum, one) => sum + one.waiting, 0);
  return lines(from, 'feature', (name) => history.levels((one) => waiting(one, name)));
}

function load(history, latest) {
  if (!latest) return [];
  const values = history.rates((one) => one.load.cpuSeconds * percent);
  return [{ name: t('load.cpu'), values }];
}

function memory(history, latest) {
  if (!latest) return [];
  return [{ name: t('load.memory'), values: history.levels((one) => one.load.memoryBytes / mebibyte) }];
}

/** Admissions only grow; how many wait says more. */
function queue(history, latest) {
  const shown = names(latest?.queue).filter((name) => name !== 'admitted');
  return lines(shown, 'queue', (name) => history.levels((one) => countOf(one.queue, name)));
}

function minutely(value) {
  return value === null ? null : value * 60;
}

async function newestSnapshots(api) {
  const found = await Promise.all(boards.map((window) => api.get('/leaderboard/snapshots', { window, pageSize: 1 })));
  return found.map(({ snapshots: [newest] }, i) => ({ window: boards[i], newest }));
}

function snapshots(rows) {
  return html`<${Table}
    caption=${t('snapshots')}
    rows=${rows}
    columns=${[
      { label: t('board'), cell: ({ window }) => named('window', window) },
      { label: t('board.key'), cell: ({ newest }) => data(newest?.key ?? '–') },
      { label: t('board.taken'), cell: ({ newest }) => (newest ? moment(newest.takenAt) : t('board.none')) },
      { label: t('board.players'), isNumber: true, cell: ({ newest }) => number(newest?.total ?? 0) },
    ]}
  />`;
}
