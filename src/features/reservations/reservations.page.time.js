// The server's time, whatever the browser's clock shows, and what is counted down.

import { find, write } from './dom.js';

const tickMs = 250;
// A better look at the server's clock is one that was quicker.
let offset = 0;
let quickest = Number.POSITIVE_INFINITY;
const watchers = new Set();

/** Milliseconds since 1970, as the server counts them. */
export function now() {
  return performance.timeOrigin + performance.now() + offset;
}

/** `asOf` was the server's time somewhen between these two moments of `performance.now()`. */
export function synchronise(asOf, sent, received) {
  const time = Date.parse(asOf);
  const found = time - performance.timeOrigin - (sent + received) / 2;
  const took = received - sent;
  // A computer that slept, or whose server's clock was set, is far off however quick the last look was.
  if (!Number.isFinite(time) || (took > quickest && Math.abs(found - offset) < 1000 + took)) return;
  quickest = took;
  offset = found;
}

/** Calls back four times a second until it is told to stop; at once, too. */
export function everyTick(tick) {
  watchers.add(tick);
  tick(now());
  return () => watchers.delete(tick);
}

setInterval(() => {
  const time = now();
  for (const tick of watchers) tick(time);
}, tickMs);

/** `1:05`, `2:00:00`, `3 d 04:05:06`. */
export function clockOf(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value) => String(value).padStart(2, '0');
  const [days, hours, minutes] = [86_400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  const tail = `${two(minutes % 60)}:${two(seconds % 60)}`;
  if (days > 0) return `${days} d ${two(hours % 24)}:${tail}`;
  return hours > 0 ? `${hours}:${tail}` : `${minutes}:${two(seconds % 60)}`;
}

const spoken = [60, 30, 10];

/**
 * Counts down to a moment in an element, and calls back once at its end; `warn` hears a minute, half a minute and ten
 * seconds before it, since nobody wants to hear every second. Answers how to stop.
 */
export function countDown(id, until, { ended = () => {}, warn = () => {} } = {}) {
  const node = find(id);
  const end = Date.parse(until);
  let left = spoken.filter((seconds) => end - now() > seconds * 1000);
  const stop = everyTick((time) => {
    const rest = end - time;
    write(node, clockOf(rest));
    node.classList.toggle('urgent', rest < 15_000);
    const due = left.filter((seconds) => rest <= seconds * 1000);
    left = left.filter((seconds) => !due.includes(seconds));
    if (due.length > 0 && rest > 0) warn(due.at(-1));
    if (rest > 0) return;
    queueMicrotask(() => {
      if (stop()) ended();
    });
  });
  return stop;
}

export function dateOf(time) {
  return new Date(time).toLocaleString([], { dateStyle: 'medium', timeStyle: 'medium' });
}
