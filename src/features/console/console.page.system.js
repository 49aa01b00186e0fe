// Which process runs what, and how each is.

import { html } from './markup.js';
import { badge, data, Part, Stale, Table } from './parts.js';
import { moment, named, number, t } from './words.js';

const checkTones = { healthy: 'good', degraded: 'warn', unhealthy: 'bad' };
const circuitTones = { closed: 'good', 'half-open': 'warn', open: 'bad' };

export function System({ desk }) {
  return html`<h2>${t('system.checks')}</h2>
    <p class="faint">${t('process.one')} ${data(desk.history.latest?.process ?? '')}</p>
    <${Stale} history=${desk.history} />
    ${checks(desk.history.latest?.checks ?? [])}
    <${Part} desk=${desk} load=${() => desk.api.get('/processes')}>
      ${processes}
    <//>`;
}

function checks(rows) {
  return html`<${Table}
    caption=${t('system.checks')}
    rows=${rows}
    empty=${t('loading')}
    columns=${[
      { label: t('check'), cell: ({ name }) => data(name) },
      { label: t('check.status'), cell: ({ status }) => badge(named('status', status), checkTones[status]) },
      { label: t('check.reason'), cell: ({ reason }) => data(reason || '–') },
    ]}
  />`;
}

function processes({ processes: found, silent }) {
  const inEach = (field) => found.flatMap((one) => one[field].map((row) => ({ ...row, process: nameOf(one) })));
  const process = { label: t('process'), cell: (row) => data(row.process) };
  return html`
    <h2>${t('system.processes')}</h2>
    <${Table} caption=${t('system.processes')} rows=${found} columns=${processColumns()} />
    <h2>${t('system.consumers')}</h2>
    <${Table} caption=${t('system.consumers')} rows=${inEach('consumers')} empty=${t('system.no_consumers')}
      columns=${[
        { label: t('letter.consumer'), cell: ({ consumer }) => named('feature', consumer) },
        process,
        { label: t('consumer.events'), isNumber: true, cell: ({ events }) => number(events) },
        { label: t('consumer.seconds'), isNumber: true, cell: ({ seconds }) => number(seconds, 1) },
      ]} />
    <h2>${t('system.circuits')}</h2>
    <${Table} caption=${t('system.circuits')} rows=${inEach('circuits')} empty=${t('system.no_circuits')}
      columns=${[
        process,
        { label: t('circuit.to'), cell: ({ dependency }) => named('feature', dependency) },
        { label: t('circuit.address'), cell: ({ address }) => data(address) },
        { label: t('circuit.state'), cell: ({ state }) => badge(named('circuit', state), circuitTones[state]) },
      ]} />
    <h2>${t('system.silent')}</h2>
    <${Table} caption=${t('system.silent')} rows=${silent} empty=${t('system.no_silent')}
      columns=${[
        { label: t('circuit.address'), cell: ({ address }) => data(address) },
        { label: t('process.runs'), cell: ({ features }) => data(features.join(', ')) },
        { label: t('check.reason'), cell: ({ reason }) => data(reason) },
      ]} />
  `;
}

function processColumns() {
  const status = (one) => badge(named('status', one.status), one.status === 'ready' ? 'good' : 'bad');
  const unwell = ({ checks: found }) =>
    found.map(({ name, status: is }) => `${name}: ${named('status', is)}`).join(', ');
  return [
    { label: t('process'), cell: (one) => data(nameOf(one)) },
    {
      label: t('process.address'),
      cell: ({ addresses }) => (addresses.length > 0 ? data(addresses.join(', ')) : t('process.asked')),
    },
    { label: t('process.version'), cell: ({ version }) => data(version) },
    { label: t('process.since'), cell: ({ startedAt }) => moment(startedAt) },
    { label: t('process.runs'), cell: ({ modules }) => data(modules.join(', ')) },
    { label: t('process.exposes'), cell: ({ exposes }) => data(exposes.join(', ') || '–') },
    { label: t('check.status'), cell: (one) => html`${status(one)} ${data(unwell(one))}` },
  ];
}

function nameOf({ host, pid }) {
  return `${host}/${pid}`;
}
