import type { Eta } from '../../generated/aerie/queue/v1/queue';
import type { RoomRow } from './queue.entity';
import type { Admission, Pace, QueueLine } from './queue.line';

// A tenth of a normal distribution is above its mean by so many deviations.
const p90Deviations = 1.2816;
const unknown: Eta = { known: false };

/**
 * How long somebody at `place` still waits, from the latest admissions: how fast they went through the line, those who were
 * absent and were passed over included. Unknown until two were measured at different times.
 */
export function etaOf(line: QueueLine, place: number, now: number): Eta {
  // Reckoned once for all who ask.
  if (line.pace?.at !== now) line.pace = { at: now, pace: paceOf(line.admissions, now) };
  const { pace } = line.pace;
  if (!pace) return unknown;
  // Whoever the line has passed already was absent, and is not waited for.
  const places = Math.max(0, line.aheadOf(place) - line.aheadOf(Math.min(place, pace.reached))) + 1;
  const mean = places * pace.msPerPlace;
  const spread = p90Deviations * pace.deviationMs * Math.sqrt(Math.max(1, places * pace.admissionsPerPlace));
  return { known: true, p50Seconds: Math.ceil(mean / 1000), p90Seconds: Math.ceil((mean + spread) / 1000) };
}

function paceOf(admissions: readonly Admission[], now: number): Pace | undefined {
  const times = admissions.map(({ at }) => at).sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || last <= first) return undefined;
  const gaps = times.slice(1).map((at, i) => at - (times[i] ?? at));
  const mean = (last - first) / gaps.length;
  // That nobody was admitted for long is a measure, too.
  const slowest = Math.max(mean, (now - first) / times.length);
  const deviationMs = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  const places = admissions.map(({ place }) => place);
  const [from, to] = [Math.min(...places), Math.max(...places)];
  const admissionsPerPlace = times.length / (to - from + 1);
  return { reached: to + 1, msPerPlace: slowest * admissionsPerPlace, admissionsPerPlace, deviationMs };
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
