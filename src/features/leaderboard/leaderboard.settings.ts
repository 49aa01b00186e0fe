import { DateTime, IANAZone } from 'luxon';
import { z } from 'zod';
import type { BadVariable } from '../../shared/config/config.errors';
import { redisUrlOf } from '../../shared/config/config.rules';
import type { Variables } from '../../shared/config/config.schema';
import { decimal, duration, list } from '../../shared/config/config.values';
import { settings } from '../../shared/config/settings';

/** A season of the game: `first` and `last` day (yyyy-mm-dd) both belong to it. */
export interface Season {
  readonly name: string;
  readonly first: string;
  readonly last: string;
}

function timezone() {
  return z.string().refine((text) => IANAZone.isValidZone(text), 'must be an IANA time zone such as Europe/Berlin');
}

/** `name:first day/last day,...`: both days belong to the season, and no day to two. */
function seasons() {
  return list().transform((items, context): Season[] => {
    const found = items.map(season);
    if (found.some((one) => one === undefined)) {
      context.addIssue({
        code: 'custom',
        message: 'must be name:yyyy-mm-dd/yyyy-mm-dd, comma-separated, the first day not after the last',
      });
      return z.NEVER;
    }
    const sorted = (found as Season[]).sort((a, b) => (a.first < b.first ? -1 : 1));
    if (sorted.some((one, i) => one.first <= (sorted[i - 1]?.last ?? '')))
      context.addIssue({ code: 'custom', message: 'has seasons that overlap' });
    if (new Set(sorted.map(({ name }) => name)).size < sorted.length)
      context.addIssue({ code: 'custom', message: 'names one season twice' });
    return sorted;
  });
}

function season(text: string): Season | undefined {
  const [, name, first, last] = /^([A-Za-z0-9_-]{1,32}):(\d{4}-\d\d-\d\d)\/(\d{4}-\d\d-\d\d)$/.exec(text) ?? [];
  if (name === undefined || first === undefined || last === undefined) return undefined;
  if (!isDay(first) || !isDay(last) || last < first) return undefined;
  return { name, first, last };
}

function isDay(text: string): boolean {
  return DateTime.fromISO(text, { zone: 'utc' }).isValid;
}

const variables = {
  LEADERBOARD_TIMEZONE: timezone()
    .default('UTC')
    .describe('Where days, weeks and seasons begin: an IANA name such as Europe/Berlin'),
  SEASONS: seasons()
    .optional()
    .describe('name:first day/last day,... such as s1:2026-10-01/2026-12-31; unset: calendar quarters'),
  SNAPSHOT_INTERVAL: duration(10, 86_400)
    .default(900)
    .describe('Time between periodic snapshots of a leaderboard, 10 s to 24 h: seconds, or with s, m or h'),
  SNAPSHOT_RETENTION_DAYS: decimal(0, 3650)
    .default(30)
    .describe('Days after which periodic snapshots are forgotten; 0: never. Final ones are kept'),
  LB_TOPN: decimal(1, 10_000).default(100).describe('Players in a periodic snapshot, 1 to 10000'),
  LEADERBOARD_INDEX: z
    .enum(['memory', 'redis'], 'must be memory or redis')
    .optional()
    .describe(
      'Where boards are in order: memory (of each process) | redis; unset: redis if LEADERBOARD_URL has several',
    ),
  WATCHERS_MAX: decimal(1, 100_000).default(1000).describe('Watchers of leaderboards at most'),
  WATCHERS_PER_ADDRESS_MAX: decimal(1, 100_000)
    .default(100)
    .describe('From one address at most; TRUSTED_PROXIES are not counted'),
};

/** The settings of leaderboards, out of variables that nobody else reads. */
export class LeaderboardSettings extends settings(variables, (env) => ({
  /** IANA name. */
  timezone: env.LEADERBOARD_TIMEZONE,
  /** In order; undefined: calendar quarters. */
  seasons: env.SEASONS,
  snapshotIntervalMs: env.SNAPSHOT_INTERVAL * 1000,
  /** 0: for ever. */
  snapshotRetentionMs: env.SNAPSHOT_RETENTION_DAYS * 86_400_000,
  /** Players in a periodic snapshot. */
  topN: env.LB_TOPN,
  /** Undefined: as many processes there are. */
  index: env.LEADERBOARD_INDEX,
  watchers: env.WATCHERS_MAX,
  watchersPerAddress: env.WATCHERS_PER_ADDRESS_MAX,
})) {}

/** The index in Redis needs one. */
export function* leaderboardRules(env: Variables): Generator<BadVariable> {
  if (env.LEADERBOARD_INDEX === 'redis' && redisUrlOf(env) === undefined)
    yield { name: 'LEADERBOARD_INDEX', reason: 'redis needs REDIS_URL' };
}
