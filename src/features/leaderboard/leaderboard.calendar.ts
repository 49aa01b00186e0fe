import { Injectable } from '@nestjs/common';
import { DateTime } from 'luxon';
import { LeaderboardSettings, type Season } from './leaderboard.settings';

export const windowKinds = ['daily', 'weekly', 'seasonal'] as const;
export type WindowKind = (typeof windowKinds)[number];

/** A stretch of time that has a board. Times are milliseconds since 1970; `endsAt` is no longer in it. */
export interface Window {
  readonly kind: WindowKind;
  readonly key: string;
  /** Unique, such as `daily 2026-11-21`. */
  readonly name: string;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** A day of the calendar without a time zone, held as its midnight in UTC. */
type Day = DateTime;

const dayMs = 86_400_000;
const graceMs = 10 * 60_000;

/** From this instant on nothing that is accepted counts for the window any more, however early it happened. */
export function dueAt({ endsAt }: Window): number {
  return endsAt + graceMs;
}

// Events are at most 7 days old, so they need the windows of a few days only.
const maxKnown = 64;
const unit = { daily: 'day', weekly: 'week', seasonal: 'quarter' } as const;

/** Finds the windows of an instant, in the configured time zone, and the window that a key names. Weeks are those of ISO 8601. */
@Injectable()
export class WindowCalendar {
  private readonly zone: string;
  private readonly seasons: readonly Season[] | undefined;
  private readonly known: Record<WindowKind, Window[]> = { daily: [], weekly: [], seasonal: [] };

  constructor(settings: LeaderboardSettings) {
    this.zone = settings.timezone;
    this.seasons = settings.seasons;
  }

  /** Finds the windows of an instant: a day, a week, and a season where one runs. */
  at(instant: number): Window[] {
    return windowKinds.flatMap((kind) => this.of(kind, instant) ?? []);
  }

  /** Undefined when no season runs at that instant. */
  of(kind: WindowKind, instant: number): Window | undefined {
    const known = this.known[kind];
    for (const window of known) if (window.startsAt <= instant && instant < window.endsAt) return window;
    const found = this.around(kind, this.dayAt(instant));
    if (!found) return undefined;
    if (known.length >= maxKnown) known.shift();
    known.push(found);
    return found;
  }

  /** The window with this key; undefined when there can be none: misspelled, no such date, no such season. */
  named(kind: WindowKind, key: string): Window | undefined {
    // `of` would remember it, and old keys must not crowd out the windows that events need.
    const found = this.around(kind, this.dayIn(kind, key));
    // A key has one spelling; the calendar would take 2026-W54 for the first week of 2027.
    return found?.key === key ? found : undefined;
  }

  /** The window that a day is in. */
  private around(kind: WindowKind, day: Day | undefined): Window | undefined {
    if (!day?.isValid) return undefined;
    if (kind === 'seasonal' && this.seasons) return this.season(this.seasons, day);
    const first = day.startOf(unit[kind]);
    return this.between(kind, keyOf(kind, first), first, first.plus({ [`${unit[kind]}s`]: 1 }));
  }

  private season(seasons: readonly Season[], day: Day): Window | undefined {
    const date = day.toFormat('yyyy-MM-dd');
    const season = seasons.find(({ first, last }) => first <= date && date <= last);
    if (!season) return undefined;
    return this.between('seasonal', season.name, dayOf(season.first), dayOf(season.last).plus({ days: 1 }));
  }

  private between(kind: WindowKind, key: string, first: Day, end: Day): Window | undefined {
    const [startsAt, endsAt] = [this.startOf(first), this.startOf(end)];
    // A zone that changed the side of the date line left out a day, which has no instants.
    if (!(startsAt < endsAt)) return undefined;
    // Other years have no RFC 3339 time.
    if (end.year > 9999 || new Date(endsAt).getUTCFullYear() > 9999 || new Date(startsAt).getUTCFullYear() < 0)
      return undefined;
    return windowOf(kind, key, startsAt, endsAt);
  }

  /** The day that an instant is in. Where clocks go back over midnight, they show the day before once more. */
  private dayAt(instant: number): Day | undefined {
    const local = DateTime.fromMillis(instant, { zone: this.zone });
    if (!local.isValid) return undefined;
    const day = DateTime.utc(local.year, local.month, local.day);
    if (instant < this.startOf(day)) return day.minus({ days: 1 });
    const next = day.plus({ days: 1 });
    return instant < this.startOf(next) ? day : next;
  }

  /**
   * The first instant of a day: the first of two midnights where clocks go back to midnight, and the first moment after it
   * where they skip midnight.
   */
  private startOf(day: Day): number {
    const midnight = day.toMillis();
    const before = this.offsetAt(midnight - dayMs);
    const after = this.offsetAt(midnight + dayMs);
    if (before === after) return midnight - before;
    let [early, late] = [midnight - dayMs, midnight + dayMs];
    while (late - early > 1) {
      const middle = Math.floor((early + late) / 2);
      if (middle + this.offsetAt(middle) < midnight) early = middle;
      else late = middle;
    }
    return late;
  }

  /** Milliseconds that local time is ahead of UTC. */
  private offsetAt(instant: number): number {
    return DateTime.fromMillis(instant, { zone: this.zone }).offset * 60_000;
  }

  private dayIn(kind: WindowKind, key: string): Day | undefined {
    if (kind === 'daily') return /^\d{4}-\d\d-\d\d$/.test(key) ? dayOf(key) : undefined;
    if (kind === 'weekly') return /^\d{4}-W\d\d$/.test(key) ? dayOf(`${key}-1`) : undefined;
    if (this.seasons) return dayOf(this.seasons.find(({ name }) => name === key)?.first ?? '');
    const [, year, quarter] = /^(\d{4})-Q([1-4])$/.exec(key) ?? [];
    return quarter === undefined ? undefined : dayOf(`${year}-${String(Number(quarter) * 3 - 2).padStart(2, '0')}-01`);
  }
}

function dayOf(date: string): Day {
  return DateTime.fromISO(date, { zone: 'utc' });
}

export function windowOf(kind: WindowKind, key: string, startsAt: number, endsAt: number): Window {
  return { kind, key, name: nameOf(kind, key), startsAt, endsAt };
}

export function nameOf(kind: WindowKind, key: string): string {
  return `${kind} ${key}`;
}

function keyOf(kind: WindowKind, start: Day): string {
  if (kind === 'daily') return start.toFormat('yyyy-MM-dd');
  return start.toFormat(kind === 'weekly' ? "kkkk-'W'WW" : "yyyy-'Q'q");
}
