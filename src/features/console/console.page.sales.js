// Sales: the list of them, and one.

import { html } from './markup.js';
import { badge, data, Pages, Table } from './parts.js';
import { Sale } from './sale.js';
import { moment, named, number, t } from './words.js';

const tones = { open: 'good', paused: 'warn', closed: '' };

export function Sales({ desk, of }) {
  if (of !== '') return html`<${Sale} key=${of} desk=${desk} saleId=${of} />`;
  return html`<${Pages} desk=${desk} absent="reservations" of="" load=${(pageToken) => desk.api.get('/sales', { pageToken })}>
    ${({ sales }) => html`<${Table} caption=${t('view.sales')} rows=${sales} empty=${t('sales.none')} columns=${columns()} />`}
  <//>`;
}

function columns() {
  const size = ({ sections }) => number(sections.reduce((sum, { capacity }) => sum + capacity, 0));
  return [
    {
      label: t('sale'),
      cell: ({ saleId }) => html`<a href=${`#sales/${encodeURIComponent(saleId)}`}>${data(saleId)}</a>`,
    },
    { label: t('sale.title'), cell: ({ title }) => data(title) },
    { label: t('sale.state'), cell: ({ state }) => badge(named('sale', state), tones[state]) },
    { label: t('sale.opens'), cell: ({ opensAt }) => moment(opensAt) },
    { label: t('sale.closes'), cell: ({ closesAt }) => (closesAt ? moment(closesAt) : t('sale.never')) },
    { label: t('sale.capacity'), isNumber: true, cell: size },
    { label: t('sale.room'), cell: ({ queue }) => (queue ? t('yes') : t('no')) },
  ];
}
