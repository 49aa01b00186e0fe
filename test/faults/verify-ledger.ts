import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../src/features/progression/progression.api';
import { expected, wholeBoard } from '../features/leaderboard/play';
import { pointsOf } from '../support/events';
import { HttpWire } from '../support/wires';
import type { Ledger } from './senders';

/** All that was accepted has its effect, once: at `url` are the doors of all features. */
export async function verifyLedger(url: string, ledger: Ledger): Promise<void> {
  const http = new HttpWire(url);
  expect(ledger.surprises).toEqual([]);
  expect(ledger.events.filter(({ id }) => !ledger.heard.has(id))).toEqual([]);
  expect(ledger.events.length).toBeGreaterThan(500);
  expect((await http.call(gateway, 'listDeadLetters', {})).body.deadLetters).toEqual([]);
  await verifyBoards(http, ledger);
  for (const [playerId, xp] of ledger.sums()) {
    const { body } = await http.call(progression, 'getProgress', { playerId });
    expect(body).toMatchObject({ playerId, xp });
  }
}

/** Every board, entry by entry, is the plain sort of what was accepted. */
async function verifyBoards(http: HttpWire, { events }: Ledger): Promise<void> {
  const keys = { daily: dayOf, weekly: weekOf, seasonal: quarterOf };
  for (const [window, keyOf] of Object.entries(keys)) {
    for (const key of new Set(events.map(({ occurredAt }) => keyOf(occurredAt)))) {
      const counted = events.filter(({ occurredAt }) => keyOf(occurredAt) === key);
      const points = counted.map((event) => ({ ...event, points: pointsOf(event) }));
      expect((await wholeBoard(http, { window, key })).entries).toEqual(expected(points));
    }
  }
}

const dayOf = (time: string): string => time.slice(0, 10);
const quarterOf = (time: string): string => `${time.slice(0, 4)}-Q${Math.ceil(Number(time.slice(5, 7)) / 3)}`;

/** The week of ISO 8601: that of its Thursday, which is in the week's year. */
function weekOf(time: string): string {
  const day = new Date(`${dayOf(time)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 3 - ((day.getUTCDay() + 6) % 7));
  const week = Math.floor((day.getTime() - Date.UTC(day.getUTCFullYear(), 0, 1)) / (7 * 86_400_000)) + 1;
  return `${day.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}
