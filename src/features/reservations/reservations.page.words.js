// Money, intervals, and what an error means for the person who reads it.

const formats = new Map();

/** A price in the smallest unit of its currency, as people here write it. */
export function money(amount, currency) {
  if (!formats.has(currency)) formats.set(currency, new Intl.NumberFormat([], { style: 'currency', currency }));
  const format = formats.get(currency);
  return amount === 0 ? 'Free' : format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export function count(value, one, many = `${one}s`) {
  return `${value.toLocaleString()} ${value === 1 ? one : many}`;
}

/** `A1`, `A1 and A2`, `A1, A2, A3 and 4 more`. */
export function listed(names) {
  if (names.length < 2) return names.join('');
  const rest = names.length > 4 ? [`${names.length - 3} more`] : names.slice(-1);
  return `${names.slice(0, names.length > 4 ? 3 : -1).join(', ')} and ${rest[0]}`;
}

/** What is in a reservation, section by section. */
export function itemsOf(items) {
  return items
    .map(({ sectionId, quantity, seatIds }) =>
      seatIds.length > 0
        ? `${sectionId}: ${count(seatIds.length, 'seat')} (${listed(seatIds)})`
        : `${quantity} × ${sectionId}`,
    )
    .join(', ');
}

export function timeOf(seconds) {
  return seconds % 60 === 0 ? count(seconds / 60, 'minute') : count(seconds, 'second');
}

/** How long it may take: an interval, since nobody knows better. */
export function waitOf({ known, p50Seconds = 0, p90Seconds = 0 }) {
  if (!known) return 'not known yet';
  if (p90Seconds < 60) return 'less than a minute';
  const [low, high] = [Math.floor(p50Seconds / 60), Math.ceil(p90Seconds / 60)];
  if (high < 90)
    return low === high || low === 0 ? `up to ${count(high, 'minute')}` : `${low} to ${count(high, 'minute')}`;
  const hours = [low, high].map((minutes) => Math.round(minutes / 30) / 2);
  return hours[0] === hours[1] ? `about ${count(hours[1], 'hour')}` : `${hours[0]} to ${count(hours[1], 'hour')}`;
}

const said = {
  sold_out: 'There are not that many left. Choose fewer, or something else: what others hold may come back.',
  grant_used: 'Your place in the sale was used before. Join the line again for another one.',
  grant_invalid: 'Your time to choose has run out. Join the line again.',
  grant_required: 'This sale has a waiting room. Join the line first.',
  sale_paused: 'The sale is paused. Nothing is lost: try again when it goes on.',
  sale_closed: 'The sale is over.',
  sale_not_open: 'The sale has not begun yet.',
  not_ready: 'It is not your turn yet. This page says when it is.',
  queue_ticket_ended: 'That place in the line is over. Join again for a new one.',
  queue_closed: 'The sale is over, and nobody waits for it.',
  queue_not_open: 'The waiting room is not open yet.',
  reservation_expired: 'The time to pay has run out, and others can have it now.',
  already_extended: 'You have had more time already: it is given once.',
  payment_not_approved: 'The payment was not approved yet.',
  token_invalid: 'You are no longer logged in. Log in again: nothing is lost.',
  rate_limited: 'That was too often. Wait a moment, then try again.',
  unreachable: 'The server cannot be reached. Try again.',
};

/** What to do next about an error. `sale`: whose limits it may be about. */
export function wordsOf({ code, message, seatIds = [] }, sale) {
  if (code === 'seats_taken')
    return `${listed(seatIds)} ${seatIds.length === 1 ? 'was' : 'were'} taken by somebody else just now. Choose others: nothing was reserved.`;
  if (code === 'limit_exceeded' && sale)
    return message.startsWith('maxPerUser')
      ? `One person can have ${sale.maxPerUser} of this sale, with what you hold or have bought. Choose fewer.`
      : `One reservation can have ${sale.maxPerReservation}. Choose fewer.`;
  return said[code] ?? message;
}
