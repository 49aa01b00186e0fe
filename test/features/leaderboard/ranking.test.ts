import fc from 'fast-check';
import { type PlayerScore, Ranking } from '../../../src/features/leaderboard/leaderboard.ranking';
import { plainOrder } from './plain-order';

// The promise: whatever happens to it, a ranking is the plain sort of what is in it.

const player = fc.integer({ min: 0, max: 2000 }).map((n) => `player-${n}`);
// Few scores and times, so that most are ties.
const score: fc.Arbitrary<PlayerScore> = fc.record({
  playerId: player,
  score: fc.integer({ min: 1, max: 6 }),
  achievedAt: fc.integer({ min: 1, max: 4 }).map((n) => 1_795_000_000_000 + n),
});
const changes = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ put: score }) },
    { weight: 1, arbitrary: fc.record({ set: score }) },
    { weight: 1, arbitrary: fc.record({ drop: player }) },
  ),
  { minLength: 1, maxLength: 3000, size: 'max' },
);

/** What the ranking should hold. */
class Model {
  readonly players = new Map<string, PlayerScore>();

  put(next: PlayerScore): void {
    const before = this.players.get(next.playerId);
    if (!before || next.score > before.score) this.players.set(next.playerId, next);
  }

  sorted(): PlayerScore[] {
    return plainOrder([...this.players.values()]);
  }
}

function all(ranking: Ranking, limit: number): PlayerScore[] {
  const found: PlayerScore[] = [];
  for (let after: PlayerScore | undefined; ; after = found.at(-1)) {
    const { rank, scores } = ranking.page(after, limit);
    if (scores.length > 0) expect(rank).toBe(found.length + 1);
    found.push(...scores);
    if (scores.length < limit) return found;
  }
}

test('pages, ranks and neighbours are those of a plain sort, after any changes', () => {
  fc.assert(
    fc.property(changes, fc.integer({ min: 1, max: 700 }), (list, limit) => {
      const ranking = new Ranking();
      const model = new Model();
      for (const change of list) {
        if ('put' in change) {
          ranking.put(change.put);
          model.put(change.put);
        } else if ('set' in change) {
          ranking.set(change.set.playerId, change.set);
          model.players.set(change.set.playerId, change.set);
        } else {
          ranking.set(change.drop, undefined);
          model.players.delete(change.drop);
        }
      }
      const sorted = model.sorted();
      expect(ranking.size).toBe(sorted.length);
      expect(all(ranking, limit)).toEqual(sorted);
      for (const place of [0, 1, Math.floor(sorted.length / 2), sorted.length - 1]) {
        const one = sorted[place];
        if (!one) continue;
        expect(ranking.rankOf(one.playerId)).toBe(place + 1);
        const from = Math.max(0, place - 5);
        expect(ranking.around(one.playerId, 5)).toEqual({ rank: from + 1, scores: sorted.slice(from, place + 6) });
      }
    }),
    { numRuns: 60 },
  );
});

test('20,000 players that arrive in order, in reverse, and at random', () => {
  const players = Array.from({ length: 20_000 }, (_, i) => ({
    playerId: `p${i}`,
    score: 1 + (i % 977),
    achievedAt: 1000 + (i % 13),
  }));
  const sorted = plainOrder(players);
  for (const order of [sorted, [...sorted].reverse(), players]) {
    const ranking = new Ranking();
    for (const one of order) ranking.put(one);
    expect(all(ranking, 100)).toEqual(sorted);
    expect(ranking.rankOf(sorted[12_345]?.playerId ?? '')).toBe(12_346);
  }
});

test('who is not there has no rank; a page after somebody who has left goes on behind the place', () => {
  const ranking = new Ranking();
  for (const n of [1, 2, 3, 4]) ranking.put({ playerId: `p${n}`, score: n * 10, achievedAt: 1 });
  expect(ranking.rankOf('nobody')).toBeUndefined();
  expect(ranking.around('nobody', 5)).toBeUndefined();
  const third = ranking.get('p2');
  ranking.set('p2', undefined);
  expect(ranking.page(third, 10)).toEqual({ rank: 3, scores: [{ playerId: 'p1', score: 10, achievedAt: 1 }] });
});

test('a first page that was asked for before a change is not told after it, and without one it is the same object', () => {
  const few = fc.array(
    fc.oneof(
      fc.record({ put: score.map((one) => ({ ...one, playerId: one.playerId.slice(0, 8) })) }),
      fc.record({ drop: player.map((name) => name.slice(0, 8)) }),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(few, (list) => {
      const ranking = new Ranking();
      const model = new Model();
      for (const change of list) {
        if ('put' in change) {
          ranking.put(change.put);
          model.put(change.put);
        } else {
          ranking.set(change.drop, undefined);
          model.players.delete(change.drop);
        }
        const sorted = model.sorted();
        for (const limit of [1, 3, 100, 101]) {
          const page = ranking.page(undefined, limit);
          expect(page).toEqual({ rank: 1, scores: sorted.slice(0, limit) });
          expect(ranking.page(undefined, limit) === page).toBe(limit <= 100);
        }
      }
    }),
  );
});
