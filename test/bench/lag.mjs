// How far behind consumers are while events come: they are asked again and again, and tell it by their metrics.
import { setTimeout as sleep } from 'node:timers/promises';
import { quantiles } from './statistics.mjs';

// A scrape is 10 ms of work for the process: more often, and what is measured is the asking.
const everyMs = 250;

/** The lag of both consumers as this text of metrics tells it, in events and in seconds. */
export function lagsOf(text) {
  const value = (metric, consumer) => {
    const [, told] = new RegExp(`^${metric}\\{consumer="${consumer}"\\} (\\S+)$`, 'm').exec(text) ?? [];
    if (told === undefined) throw new Error(`Nobody tells ${metric} of ${consumer}`);
    return Number(told);
  };
  return {
    events: Math.max(value('consumer_lag_events', 'progression'), value('consumer_lag_events', 'leaderboard')),
    progression: value('consumer_lag_seconds', 'progression'),
    leaderboard: value('consumer_lag_seconds', 'leaderboard'),
  };
}

/** What a row has of these samples: of each the p99. */
export function lagRow(samples) {
  const p99 = (key) => quantiles(samples.map((sample) => sample[key])).p99;
  return {
    progressionLagP99: p99('progression'),
    leaderboardLagP99: p99('leaderboard'),
    lagEventsP99: p99('events'),
    lagSamples: samples.length,
  };
}

/** Asks until the signal, at least once; for `Generator.put`. */
export async function lagWhile(server, signal) {
  const samples = [];
  do {
    samples.push(lagsOf(await server.metrics()));
    await sleep(everyMs);
  } while (!signal.aborted);
  return lagRow(samples);
}
