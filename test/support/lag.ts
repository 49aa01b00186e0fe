import { request } from 'undici';
import { eventually } from './eventually';

/** So many events a consumer in the process at `url` has before it. */
export async function lagOf(url: string, consumer: string): Promise<number> {
  const text = await (await request(`${url}/metrics`)).body.text();
  const [, lag] = new RegExp(`^consumer_lag_events\\{consumer="${consumer}"\\} (\\d+)$`, 'm').exec(text) ?? [];
  if (lag === undefined) throw new Error(`No consumer ${consumer} at ${url}`);
  return Number(lag);
}

/** Resolves when these consumers have passed everything that is in the log by then. */
export async function passedAll(
  { url }: { readonly url: string },
  consumers: readonly string[] = ['progression', 'leaderboard'],
  limitMs?: number,
): Promise<void> {
  for (const consumer of consumers) await eventually(async () => expect(await lagOf(url, consumer)).toBe(0), limitMs);
}
