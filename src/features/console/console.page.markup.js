// What every part of the page is written with.

import htm from './htm.js';
import { Component, h, render } from './preact.js';

/** Markup as Preact draws it. Values become text or properties, never markup. */
export const html = htm.bind(h);
export { Component, render };

let last = 0;

/** An id that nothing else on the page has. */
export function newId() {
  last += 1;
  return `id-${last}`;
}
