// One sale: what is left of it, its state, seats that are kept back, and whether it all adds up.

import { path } from './api.js';
import { Component, html } from './markup.js';
import { badge, data, Facts, Pages, Part, Table } from './parts.js';
import { moment, money, named, number, t } from './words.js';

const tones = { open: 'good', paused: 'warn', closed: '' };
const seatTones = { available: '', held: 'warn', sold: 'good', blocked: 'bad' };
/** Where a sale may go from a state. */
const ways = { open: ['paused', 'closed'], paused: ['open', 'closed'], closed: [] };

export class Sale extends Component {
  state = { changes: 0, section: '', isThere: false };

  #changed() {
    this.setState(({ changes: before }) => ({ changes: before + 1 }));
  }

  async #load() {
    const { desk, saleId } = this.props;
    const sale = await desk.api.get(path`/sales/${saleId}`);
    this.setState({ isThere: true });
    return sale;
  }

  render({ desk, saleId }, { changes, isThere }) {
    const nobody = { sale_not_found: t('error.sale_not_found'), name_impossible: t('error.sale_not_found') };
    const part = (title, absent, load, draw) => html`<section class="card wide" aria-label=${t(title)}>
      <h2>${t(title)}</h2>
      <${Part} desk=${desk} absent=${absent} of=${String(changes)} nothing=${nobody} load=${load}>${draw}<//>
    </section>`;
    return html`<p><a href="#sales">${t('sales.back')}</a></p>
      <p class="subject">${data(saleId)}</p>
      ${part(
        'sale.about',
        'reservations',
        () => this.#load(),
        (sale) => about(desk, sale, () => this.#changed()),
      )}
      ${isThere && this.#rest(part)}`;
  }

  /** What can be said of a sale that there is. */
  #rest(part) {
    const { desk, saleId } = this.props;
    const { changes, section } = this.state;
    const { api } = desk;
    return html`${part(
      'sale.left',
      'reservations',
      () => leftOf(api, saleId),
      (found) => left(desk, found, { changed: () => this.#changed(), show: (id) => this.setState({ section: id }) }),
    )}
      ${section !== '' && html`<${Seats} key=${section} desk=${desk} saleId=${saleId} section=${section} changes=${changes} />`}
      ${part('sale.queue', 'queue', () => roomOf(api, saleId), room)}
      ${part('sale.audit', 'reservations', () => api.get(path`/sales/${saleId}/audit`), audit)}
      ${part('sale.money', 'payments', () => moneyOf(api, saleId), moneyAudit)}`;
  }
}

function about(desk, sale, changed) {
  const { saleId, state } = sale;
  return html`<${Facts}
      facts=${[
        [t('sale.title'), data(sale.title)],
        [t('sale.state'), badge(named('sale', state), tones[state])],
        [t('sale.opens'), moment(sale.opensAt)],
        [t('sale.closes'), sale.closesAt ? moment(sale.closesAt) : t('sale.never')],
        [t('sale.hold'), t('seconds', { count: number(sale.holdSeconds) })],
        [t('sale.each'), number(sale.maxPerReservation)],
        [t('sale.user'), number(sale.maxPerUser)],
      ]}
    />
    <div class="buttons">
      ${ways[state].map(
        (to) =>
          html`<button type="button" class=${to === 'open' ? 'primary' : 'danger'} onClick=${() => askState(desk, saleId, to, changed)}>
            ${t(`state.${to}`)}
          </button>`,
      )}
    </div>`;
}

function askState(desk, saleId, state, changed) {
  desk.ask({
    title: t(`state.${state}.title`, { sale: saleId }),
    text: t(`state.${state}.text`),
    isDangerous: state !== 'open',
    action: t(`state.${state}`),
    run: (_values, key) => desk.api.command('POST', path`/sales/${saleId}/state`, { body: { state }, key }),
    reload: changed,
    done: () => {
      changed();
      return t(`state.${state}.done`, { sale: saleId });
    },
  });
}

/** With the currency, which the availability lacks, and which sections have seats. */
async function leftOf(api, saleId) {
  const [sale, { sections, asOf }] = await Promise.all([
    api.get(path`/sales/${saleId}`),
    api.get(path`/sales/${saleId}/availability`),
  ]);
  const seated = new Set(sale.sections.flatMap((one) => (one.seated ? [one.sectionId] : [])));
  return {
    saleId,
    currency: sale.currency,
    asOf,
    sections: sections.map((one) => ({ ...one, seated: seated.has(one.sectionId) })),
  };
}

function left(desk, { saleId, currency, sections, asOf }, { changed, show }) {
  const levels = ['capacity', 'available', 'held', 'sold', 'blocked'];
  const change = (section, kind) =>
    html`<button type="button" aria-label=${t(`seats.${kind}.of`, { section: section.sectionId })}
      onClick=${() => askSeats(desk, { saleId, section, kind, changed })}>${t(`seats.${kind}`)}</button>`;
  const actions = (section) => html`<span class="buttons small">
    ${change(section, 'block')} ${change(section, 'unblock')}
    ${
      section.seated &&
      html`<button type="button" aria-label=${t('seats.show.of', { section: section.sectionId })} onClick=${() => show(section.sectionId)}>
        ${t('seats.show')}
      </button>`
    }
  </span>`;
  return html`<p class="faint">${t('sale.asof', { time: moment(asOf) })}</p>
    <${Table}
      caption=${t('sale.left')}
      rows=${sections}
      columns=${[
        { label: t('section'), cell: ({ sectionId }) => data(sectionId) },
        { label: t('section.price'), isNumber: true, cell: ({ price }) => money(price, currency) },
        ...levels.map((level) => ({ label: t(`section.${level}`), isNumber: true, cell: (one) => number(one[level]) })),
        { label: t('section.change'), cell: actions },
      ]}
    />`;
}

/** Seats by their ids, or a number of places. */
function askSeats(desk, { saleId, section, kind, changed }) {
  const { sectionId, seated } = section;
  const field = seated
    ? { name: 'seatIds', label: t('seats.ids'), hint: t('seats.hint'), required: true, spellcheck: 'false' }
    : { name: 'quantity', label: t('seats.quantity'), type: 'number', min: 1, required: true };
  const body = ({ seatIds = '', quantity }) =>
    seated ? { seatIds: seatIds.split(/[\s,]+/).filter(Boolean) } : { quantity: Number(quantity) };
  desk.ask({
    title: t(`seats.${kind}.title`, { section: sectionId }),
    text: t(`seats.${kind}.text`),
    isDangerous: kind === 'block',
    action: t(`seats.${kind}`),
    fields: [field],
    run: (values, key) =>
      desk.api.command('POST', path`/sales/${saleId}/seats/${kind}`, { body: { sectionId, ...body(values) }, key }),
    reload: changed,
    done: ({ available, blocked }) => {
      changed();
      return t('seats.done', { section: sectionId, available: number(available), blocked: number(blocked) });
    },
  });
}

function Seats({ desk, saleId, section, changes }) {
  const load = (pageToken) =>
    desk.api.get(path`/sales/${saleId}/availability`, { sectionId: section, pageSize: 100, pageToken });
  return html`<section class="card wide" aria-label=${t('seats.of', { section })}>
    <h2>${t('seats.of', { section })}</h2>
    <${Pages} desk=${desk} of=${`${section} ${changes}`} absent="reservations" load=${load}>
      ${({ seats }) => html`<ul class="seats">
        ${seats.map(({ seatId, state }) => html`<li>${data(seatId)} ${badge(named('seat', state), seatTones[state])}</li>`)}
      </ul>`}
    <//>
  </section>`;
}

/** A sale without a waiting room has no numbers. */
async function roomOf(api, saleId) {
  const { queue } = await api.get(path`/sales/${saleId}`);
  return queue ? await api.get('/queue/stats', { saleId }) : null;
}

function room(found) {
  if (!found) return html`<p class="faint">${t('queue.none')}</p>`;
  const names = [
    'activePlaces',
    'taken',
    'prequeued',
    'waiting',
    'present',
    'ready',
    'admitted',
    'done',
    'left',
    'expired',
  ];
  return html`<${Facts} facts=${names.map((name) => [named('queue', name), number(found[name])])} />`;
}

function audit({ ok, sections, violations }) {
  const levels = ['capacity', 'available', 'held', 'sold', 'blocked'];
  return html`${verdict(ok, violations)}
    <${Table}
      caption=${t('sale.audit')}
      rows=${sections}
      columns=${[
        { label: t('section'), cell: ({ sectionId }) => data(sectionId) },
        ...levels.map((level) => ({ label: t(`section.${level}`), isNumber: true, cell: (one) => number(one[level]) })),
      ]}
    />`;
}

/** With the currency, which the audit lacks. */
async function moneyOf(api, saleId) {
  const [found, { currency }] = await Promise.all([
    api.get('/payments/audit', { saleId }),
    api.get(path`/sales/${saleId}`),
  ]);
  return { ...found, currency };
}

function moneyAudit({ ok, violations, currency, ...sums }) {
  const names = ['authorized', 'captured', 'refunded', 'expected'];
  return html`${verdict(ok, violations)} <${Facts} facts=${names.map((name) => [named('money', name), money(sums[name], currency)])} />`;
}

function verdict(ok, violations) {
  return html`<p>${ok ? badge(t('audit.ok'), 'good') : badge(t('audit.bad'), 'bad')}</p>
    ${violations.length > 0 && html`<ul>${violations.map(({ kind, message }) => html`<li><code>${kind}</code> ${data(message)}</li>`)}</ul>`}
    ${!ok && html`<p>${t('audit.do')}</p>`}`;
}
