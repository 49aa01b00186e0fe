// Events and announcements that a consumer has given up.

import { path } from './api.js';
import { Field } from './dialog.js';
import { Component, html } from './markup.js';
import { badge, data, Pages, Table } from './parts.js';
import { moment, named, t } from './words.js';

export class Letters extends Component {
  state = { consumer: '' };

  render({ desk }, { consumer }) {
    const known = (desk.history.latest?.consumers ?? []).map((one) => one.consumer);
    const announced = (desk.history.latest?.outboxes ?? []).map((one) => one.consumer);
    const options = [...new Set([...known, ...announced])].map((name) => [name, named('feature', name)]);
    return html`<p>${t('letters.text')}</p>
      <div class="filters" role="group" aria-label=${t('filter')}>
        <${Field}
          label=${t('letter.consumer')}
          options=${[['', t('all')], ...options]}
          value=${consumer}
          change=${(value) => this.setState({ consumer: value })}
        />
      </div>
      <${Pages}
        desk=${desk}
        absent="events-gateway"
        of=${consumer}
        again=${({ deadLetters }) => deadLetters.some(({ redrivenAt }) => redrivenAt)}
        load=${(pageToken) => desk.api.get('/events/dead-letters', { consumer, pageToken })}
      >
        ${({ deadLetters }, reload) =>
          html`<${Table}
            caption=${t('view.letters')}
            rows=${deadLetters}
            empty=${t('letters.none')}
            columns=${columns(desk, reload)}
          />`}
      <//>`;
  }
}

function columns(desk, reload) {
  const state = ({ redrivenAt }) => (redrivenAt ? badge(t('letter.trying'), 'warn') : badge(t('letter.parked'), 'bad'));
  const again = (letter) =>
    html`<button type="button" aria-label=${t('redrive.of', { event: letter.eventId })} onClick=${() => ask(desk, letter, reload)}>
      ${t('redrive.do')}
    </button>`;
  return [
    { label: t('letter.about'), cell: ({ eventId }) => data(eventId) },
    { label: t('event.type'), cell: ({ type }) => data(type) },
    {
      label: t('letter.whose'),
      cell: ({ playerId, key, feature }) => data(playerId || [feature, key].filter(Boolean).join(' ')),
    },
    { label: t('letter.consumer'), cell: ({ consumer }) => named('feature', consumer) },
    { label: t('letter.reason'), cell: ({ reason }) => data(reason) },
    { label: t('letter.at'), cell: ({ parkedAt }) => moment(parkedAt) },
    { label: t('letter.state'), cell: state },
    { label: t('redrive'), cell: again },
  ];
}

function ask(desk, { id, eventId, consumer }, reload) {
  desk.ask({
    title: t('redrive.title', { event: eventId }),
    text: t('redrive.text', { consumer: named('feature', consumer) }),
    action: t('redrive.do'),
    run: (_values, key) => desk.api.command('POST', path`/events/dead-letters/${id}/redrive`, { key }),
    reload,
    done: () => {
      reload();
      return t('redrive.done', { event: eventId, consumer: named('feature', consumer) });
    },
  });
}
