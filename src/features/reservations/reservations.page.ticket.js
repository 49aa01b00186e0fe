// Tickets: as a code to be scanned, as text, as a file.

import { announce, find, isolated, make, write } from './dom.js';
import { lineOf } from './hold.js';
import { encode } from './qr.js';
import { dateOf } from './time.js';
import { money } from './words.js';

// Bytes that fit into the largest code, with the least correction. Source: ISO/IEC 18004, table 7
const mostBytes = 2953;
const quiet = 4;
const svgNamespace = 'http://www.w3.org/2000/svg';
const ended = {
  refunding: 'The money is on its way back. This ticket does not count any more.',
  refunded: 'The money was given back. This ticket does not count any more.',
  revoked: 'The payment did not hold, and the place was given back. This ticket does not count.',
};

export class TicketCards {
  #shown = '';

  /** All that this person has of the sale, newest first. */
  show(reservations, sale) {
    write(find('ticket-title'), reservations.length === 1 ? 'Your ticket' : 'Your tickets');
    const shown = JSON.stringify(reservations.map(({ id, version }) => [id, version]));
    // What has the focus stays.
    if (shown === this.#shown) return;
    this.#shown = shown;
    find('tickets').replaceChildren(...reservations.map((one) => cardOf(one, sale)));
  }

  hide() {
    this.#shown = '';
  }
}

function cardOf(reservation, sale) {
  const { id, items, amount, currency, status, ticket, createdAt } = reservation;
  const facts = make(
    'div',
    { className: 'ticket-facts' },
    make('h3', {}, isolated(sale.title)),
    make('ul', { className: 'items' }, ...items.map(lineOf)),
    make('p', { className: 'hint', textContent: `${money(amount, currency)}, ${dateOf(createdAt)}` }),
    make('p', { className: 'hint code', textContent: id }),
  );
  const isGood = status === 'confirmed' && ticket !== undefined;
  if (!isGood)
    facts.append(make('p', { className: 'warning', textContent: ended[status] ?? 'The ticket is being made.' }));
  else facts.append(...actionsOf(id, ticket));
  const code = isGood ? [codeOf(ticket, id)] : [];
  return make('li', { className: 'card ticket', data: { status } }, ...code, facts);
}

/** The code, or, for what no code can hold, why there is none. */
function codeOf(ticket, id) {
  if (new TextEncoder().encode(ticket).length > mostBytes)
    return make('p', {
      className: 'warning',
      textContent: 'This ticket has too many seats for a code that can be scanned. Copy it, or save it as a file.',
    });
  // More correction where the code grows no larger by it.
  const { data, size } = encode(ticket, { ecc: 'L', boostEcc: true, border: 0 });
  const path = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  const svg = svgOf('svg', {
    ...{ class: 'qr', role: 'img', 'aria-label': `QR code of ticket ${id}`, 'shape-rendering': 'crispEdges' },
    viewBox: [-quiet, -quiet, size + 2 * quiet, size + 2 * quiet].join(' '),
  });
  svg.append(svgOf('path', { d: path }));
  return svg;
}

function svgOf(tag, attributes) {
  const node = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function actionsOf(id, ticket) {
  const text = make('textarea', {
    className: 'code',
    readOnly: true,
    rows: 4,
    value: ticket,
    ariaLabel: `Ticket ${id} as text`,
  });
  const details = make('details', {}, make('summary', { textContent: 'Show it as text' }), text);
  const copy = make('button', {
    type: 'button',
    className: 'second',
    textContent: 'Copy',
    ariaLabel: `Copy ticket ${id}`,
  });
  copy.addEventListener('click', async () => {
    const isCopied = await copied(ticket);
    write(copy, isCopied ? 'Copied' : 'Copy');
    announce(
      isCopied
        ? 'The ticket is copied.'
        : 'The browser does not let this page copy. Copy the text that is selected now.',
    );
    if (isCopied) return;
    details.open = true;
    text.focus();
    text.select();
  });
  const save = make('button', {
    type: 'button',
    className: 'second',
    textContent: 'Save as a file',
    ariaLabel: `Save ticket ${id} as a file`,
  });
  save.addEventListener('click', () => {
    const href = URL.createObjectURL(new Blob([ticket], { type: 'text/plain' }));
    make('a', { href, download: `ticket-${id}.jws.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  });
  return [make('div', { className: 'buttons' }, copy, save), details];
}

/** Without TLS a browser has no clipboard for pages. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
