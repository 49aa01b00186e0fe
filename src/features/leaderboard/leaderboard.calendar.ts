import { Injectable } from '@nestjs/common';
import { DateTime } from 'luxon';
import { Config, type Season } from '../../shared/config/config';

export const windowKinds = ['daily', 'weekly', 'seasonal'] as const;
export type WindowKind = (typeof windowKinds)[number];

/** A stretch of time with a board of its own. Milliseconds since 1970; `endsAt` is no longer in it. */
export interface Window {
  readonly kind: WindowKind;
  readonly key: string;
  /** `daily 2026-11-21`: unlike any other. */
  readonly name: string;
  readonly startsAt: number;
  readonly endsAt: number;
}

const graceMs = 10 * 60_000;

/** From this instant on nothing that is accepted counts for the window any more, however early it happened. */
export function dueAt({ endsAt }: Window): number {
  return endsAt + graceMs;
}

// Events are 7 days old at most: a day's windows, and some around them, are all that is ever asked for in a hurry.
const maxKnown = 64;
const unit = { daily: 'day', weekly: 'week', seasonal: 'quarter' } as const;

/** Which window an instant is in, in the configured time zone, and which window a key names. Weeks are those of ISO 8601. */
@Injectable()
export class Calendar {
  private readonly zone: string;
  private readonly seasons: readonly Season[] | undefined;
  private readonly known: Record<WindowKind, Window[]> = { daily: [], weekly: [], seasonal: [] };

  constructor(config: Config) {
    this.zone = config.leaderboard.timezone;
    this.seasons = config.leaderboard.seasons;
  }

  /** The windows of an instant: a day and a week, and a season unless it is outside of all. */
  at(instant: number): Window[] {
    return windowKinds.flatMap((kind) => this.of(kind, instant) ?? []);
  }

  /** undefined: no season runs then. */
  of(kind: WindowKind, instant: number): Window | undefined {
    const known = this.known[kind];
    for (const window of known) if (window.startsAt <= instant && instant < window.endsAt) return window;
    const found = this.reckon(kind, instant);
    if (!found) return undefined;
    if (known.length >= maxKnown) known.shift();
    known.push(found);
    return found;
  }

  /** The window with this key; undefined when there can be none: misspelled, no such date, no such season. */
  named(kind: WindowKind, key: string): Window | undefined {
    // Not `of`: whoever asks for old keys must not crowd out what events need.
    const found = this.reckon(kind, this.instantIn(kind, key) ?? Number.NaN);
    // A key has one spelling: of 2026-W54 the calendar would make the first week of 2027.
    return found?.key === key ? found : undefined;
  }

  private reckon(kind: WindowKind, instant: number): Window | undefined {
    const local = DateTime.fromMillis(instant, { zone: this.zone });
    if (!local.isValid) return undefined;
    if (kind === 'seasonal' && this.seasons) return this.season(this.seasons, local);
    const start = local.startOf(unit[kind]);
    const end = start.plus({ [`${unit[kind]}s`]: 1 }).startOf(unit[kind]);
    // A later year has no RFC 3339 time.
    if (end.year > 9999 || end.toUTC().year > 9999) return undefined;
    return windowOf(kind, keyOf(kind, start), start.toMillis(), end.toMillis());
  }

  private season(seasons: readonly Season[], local: DateTime): Window | undefined {
    const day = local.toFormat('yyyy-MM-dd');
    const season = seasons.find(({ first, last }) => first <= day && day <= last);
    if (!season) return undefined;
    const endsAt = this.startOf(season.last)?.plus({ days: 1 }).startOf('day').toMillis() ?? Number.NaN;
    return windowOf('seasonal', season.name, this.startOf(season.first)?.toMillis() ?? Number.NaN, endsAt);
  }

  private startOf(day: string): DateTime | undefined {
    const start = DateTime.fromISO(day, { zone: this.zone }).startOf('day');
    return start.isValid ? start : undefined;
  }

  private instantIn(kind: WindowKind, key: string): number | undefined {
    if (kind === 'daily') return /^\d{4}-\d\d-\d\d$/.test(key) ? this.startOf(key)?.toMillis() : undefined;
    if (kind === 'weekly') return /^\d{4}-W\d\d$/.test(key) ? this.startOf(`${key}-1`)?.toMillis() : undefined;
    if (this.seasons) return this.startOf(this.seasons.find(({ name }) => name === key)?.first ?? '')?.toMillis();
    const [, year, quarter] = /^(\d{4})-Q([1-4])$/.exec(key) ?? [];
    return quarter === undefined
      ? undefined
      : this.startOf(`${year}-${String(Number(quarter) * 3 - 2).padStart(2, '0')}-01`)?.toMillis();
  }
}

export function windowOf(kind: WindowKind, key: string, startsAt: number, endsAt: number): Window {
  return { kind, key, name: nameOf(kind, key), startsAt, endsAt };
}

export function nameOf(kind: WindowKind, key: string): string {
  return `${kind} ${key}`;
}

function keyOf(kind: WindowKind, start: DateTime): string {
  if (kind === 'daily') return start.toFormat('yyyy-MM-dd');
  return start.toFormat(kind === 'weekly' ? "kkkk-'W'WW" : "yyyy-'Q'q");
}
