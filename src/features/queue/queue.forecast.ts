import type { Eta } from '../../generated/aerie/queue/v1/queue';
import type { Admission, Pace } from './queue.admissions';
import type { RoomRow } from './queue.entity';
import type { QueueLine } from './queue.line';

// A tenth of a normal distribution is above its mean by so many deviations; where few were measured, by up to twice as many.
const p90Deviations = 1.2816;
const fewCycles = 3;
// What cycles are taken to differ by before three of them were measured.
const unknownVariation = 0.2;
const minAgain = 4;
const [minPairs, minEven] = [10, 20];
const unknown: Eta = { known: false };

/**
 * How long somebody at `place` still waits, from the latest admissions: how soon places were given again, and how far that
 * took the line, those who were absent and were passed over included. Unknown until places enough were given again: the
 * first fill of them says nothing.
 */
export function etaOf(line: QueueLine, place: number, now: number): Eta {
  // Reckoned once for all who ask.
  if (line.pace?.at !== now) line.pace = { at: now, pace: paceOf(line, now) };
  const { pace } = line.pace;
  if (!pace) return unknown;
  // Whoever the line has passed already was absent, and is not waited for.
  const places = Math.max(0, line.aheadOf(place) - line.aheadOf(Math.min(place, pace.reached))) + 1;
  const cycles = (places * pace.admittedShare) / line.admissions.places;
  const mean = cycles * pace.cycleMs;
  // The measured cycles may have been unlike the usual, and those to come may be; and so may how many are absent.
  const pacing = pace.variation * Math.sqrt(1 / pace.averaged + 1 / Math.max(1, cycles));
  const passing = Math.sqrt(Math.max(0, 1 / pace.admittedShare - 1) * (1 / places + 1 / pace.passed));
  const few = 1 + fewCycles / Math.max(fewCycles, pace.cycles);
  const spread = p90Deviations * Math.hypot(few * pacing * mean, passing * mean, pace.unevenMs);
  return {
    known: true,
    p50Seconds: Math.max(1, Math.round(mean / 1000)),
    p90Seconds: Math.ceil((mean + spread) / 1000),
  };
}

/**
 * From how long after each admission all places were given once more. Those who are quick come first: of the first cycle the
 * mean is too short where people differ much, and counting admissions is right, which is too long where all are alike.
 */
function paceOf({ admissions, called }: QueueLine, now: number): Pace | undefined {
  const { latest, places, count } = admissions;
  const [first, last] = [latest[0], latest.at(-1)];
  if (!first || !last || count - places < Math.max(minAgain, places) || admissions.areFirstHeld()) return undefined;
  const pairs = pairsOf(latest, places);
  const recent = pairs.filter(({ nth }) => nth > last.nth - Math.max(places, minPairs));
  const { mean, deviation } = spreadOf(recent.map(({ ms }) => ms));
  const measured = Math.min(Math.max(places, minPairs), last.nth + 1 - places - first.nth);
  const counted = ((last.at - atOf(latest, last.nth - measured)) * places) / measured;
  if (mean === 0 || counted === 0) return undefined;
  const differ = Math.min(1, 3 * (deviation / mean) ** 2);
  const cycleMs = standing((1 - differ) * mean + differ * counted, measured / places, now - last.at);
  const batches = batchesOf(pairs, places);
  const varied = spreadOf(batches).sample / cycleMs;
  const passed = Math.max(1, last.before - first.before);
  return {
    reached: [...called].reduce((most, { place }) => Math.max(most, place), admissions.reached) + 1,
    ...{ cycleMs, cycles: batches.length, averaged: Math.max(1, measured / places) },
    variation: batches.length < fewCycles ? Math.max(varied, unknownVariation) : varied,
    ...{ passed, admittedShare: (last.nth - first.nth) / passed },
    unevenMs: unevenOf(latest.filter(({ nth }) => nth >= last.nth - Math.max(2 * places, minEven))),
  };
}

/** That nobody was admitted for longer than a cycle is a measure, too: all who have places will have taken that long. */
function standing(cycleMs: number, cycles: number, idleMs: number): number {
  return idleMs <= cycleMs ? cycleMs : (cycleMs * cycles + idleMs) / (cycles + 1);
}

interface Pair {
  readonly nth: number;
  readonly ms: number;
}

/** How long after the admission so many before it each one was. */
function pairsOf(latest: readonly Admission[], places: number): Pair[] {
  const from = (latest[0]?.nth ?? 0) + places;
  return latest.filter(({ nth }) => nth >= from).map(({ nth, at }) => ({ nth, ms: at - atOf(latest, nth - places) }));
}

/** The mean of each full cycle, the last one first. */
function batchesOf(pairs: readonly Pair[], places: number): number[] {
  const last = pairs.at(-1)?.nth ?? 0;
  const batches = new Map<number, number[]>();
  for (const { nth, ms } of pairs) {
    const batch = Math.floor((last - nth) / places);
    batches.set(batch, [...(batches.get(batch) ?? []), ms]);
  }
  const full = Math.max(1, Math.floor((last + 1 - (pairs[0]?.nth ?? 0)) / places));
  return [...batches].filter(([batch]) => batch < full).map(([, times]) => spreadOf(times).mean);
}

/** When the nth admission was, reckoned between the two points around it. */
function atOf(latest: readonly Admission[], nth: number): number {
  let [low, high] = [0, latest.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((latest[middle]?.nth ?? 0) < nth) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [latest[Math.max(0, low - 1)], latest[low]];
  if (!before || !after || after.nth <= nth || after === before) return after?.at ?? 0;
  return before.at + ((after.at - before.at) * (nth - before.nth)) / (after.nth - before.nth);
}

/** By how much admissions are before or behind a line that goes evenly from the first of them to the last. */
function unevenOf(points: readonly Admission[]): number {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last || first === last) return 0;
  const each = (last.at - first.at) / (last.nth - first.nth);
  return spreadOf(points.map(({ nth, at }) => at - first.at - (nth - first.nth) * each)).deviation;
}

function spreadOf(values: readonly number[]): { mean: number; deviation: number; sample: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const over = (n: number): number => (n < 1 ? 0 : Math.sqrt(squares / n));
  return { mean, deviation: over(values.length), sample: over(values.length - 1) };
}

/**
 * Whether something is likely to be left: `ahead` buy as those before them have, and `left` is available. One more buys than
 * was measured, so that nothing is concluded from one who did not.
 */
export function supplyLikely(room: RoomRow | undefined, ahead: number, left: number): boolean {
  const { bought = 0, unsold = 0, quantity = 0 } = room ?? {};
  const conversion = (bought + 1) / (bought + unsold + 1);
  const each = bought === 0 ? 1 : quantity / bought;
  return ahead * conversion * each < left;
}
