// The words of the page, in the language of whoever reads it.

import { english } from './english.js';
import { englishActs } from './englishacts.js';
import { korean } from './korean.js';
import { koreanActs } from './koreanacts.js';
import { terms } from './terms.js';

const term = (place) => Object.fromEntries(Object.entries(terms).map(([key, words]) => [key, words[place]]));
export const dictionaries = {
  en: { ...english, ...englishActs, ...term(0) },
  ko: { ...korean, ...koreanActs, ...term(1) },
};
// Of what is typed here nothing else is kept in the browser.
const place = 'aerie.console.language';
const store = storeOf();
let language =
  [store?.getItem(place), ...navigator.languages.map((tag) => tag.slice(0, 2))].find((tag) => tag in dictionaries) ??
  'en';
const minuteMs = 60_000;
let formats = {};
// Of English, say, there are several.
const locale = () => navigator.languages.find((tag) => tag.startsWith(language)) ?? language;
document.documentElement.lang = language;

export function languageNow() {
  return language;
}

/** Speaks a language from now on, also after a reload. */
export function speak(tag) {
  store?.setItem(place, tag);
  language = tag;
  formats = {};
  document.documentElement.lang = tag;
}

/** Some browsers keep nothing, and say so when they are asked for the place. */
function storeOf() {
  try {
    return localStorage;
  } catch {
    return undefined;
  }
}

/** The text of a key, with `{name}` replaced. */
export function t(key, values = {}) {
  const text = dictionaries[language][key];
  if (text === undefined) throw new Error(`No word for ${key}`);
  return text.replace(/\{(\w{1,16})\}/g, (_all, name) => String(values[name] ?? ''));
}

/** The word for something of the server's, such as a state or a code; as the server spells it where there is none. */
export function named(kind, value) {
  return dictionaries[language][`${kind}.${value}`] ?? value;
}

export function isKnown(key) {
  return key in dictionaries[language];
}

export function number(value, digits = 0) {
  return format(`n${digits}`, () => new Intl.NumberFormat(locale(), { maximumFractionDigits: digits })).format(value);
}

/** Of something that happens: tenths where it seldom does. */
export function rate(value) {
  return number(value, value < 10 ? 2 : 0);
}

/** A time of the server's, as people here write it, in UTC, as logs and the command line have it. */
export function moment(time) {
  if (!time) return '';
  const styles = { dateStyle: 'medium', timeStyle: 'medium', timeZone: 'UTC' };
  return `${format('moment', () => new Intl.DateTimeFormat(locale(), styles)).format(new Date(time))} UTC`;
}

/** Times of day in UTC, with seconds where minutes would not tell them apart. */
export function clocks(times) {
  const isShort = times.length > 1 && times[1] - times[0] < minuteMs;
  const styles = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone: 'UTC' };
  const made = () => new Intl.DateTimeFormat(locale(), { ...styles, ...(isShort && { second: '2-digit' }) });
  return times.map((ms) => format(`clock ${isShort}`, made).format(ms));
}

/** A price in the smallest unit of its currency. */
export function money(amount, currency) {
  const made = format(`c${currency}`, () => new Intl.NumberFormat(locale(), { style: 'currency', currency }));
  return made.format(amount / 10 ** made.resolvedOptions().maximumFractionDigits);
}

const units = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** Seconds in the largest unit that says them: `3 hours`. */
export function span(seconds) {
  const [unit, size] = units.find(([, least]) => seconds >= least) ?? ['second', 1];
  const styles = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 1 };
  return format(unit, () => new Intl.NumberFormat(locale(), styles)).format(seconds / size);
}

function format(name, make) {
  formats[name] ??= make();
  return formats[name];
}
