import { evaluate } from './evaluate';

interface Options {
  readonly read: () => Promise<number | undefined>;
  readonly expected: number;
  readonly acceptedAt: number;
  readonly everyMs: number;
  readonly patience?: number;
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

interface Visible {
  untilVisible(options: Options): Promise<number | undefined>;
  visibleRow(found: Record<string, (number | undefined)[]>): Record<string, number>;
}

interface Lag {
  lagsOf(text: string): Record<string, number>;
  lagRow(samples: readonly object[]): Record<string, number>;
}

describe('how long it takes until an accepted event is visible', () => {
  it('counts from the 202 to the answer that has its points, over reads that have fewer or find nobody', () => {
    const found = evaluate<Visible, unknown>('visible.mjs', async ({ untilVisible }) => {
      let clock = 1000;
      const values = [undefined, 5, 12, 99];
      const read = async (): Promise<number | undefined> => {
        clock += 3;
        return values.shift();
      };
      const pause = async (ms: number): Promise<void> => {
        clock += ms;
      };
      const ms = await untilVisible({ read, expected: 12, acceptedAt: 1000, everyMs: 10, now: () => clock, pause });
      return { ms, unread: values };
    });
    expect(found).toEqual({ ms: 3 * 3 + 2 * 10, unread: [99] });
  });

  it('counts what was applied before the first read as just that read, and more points than expected as there', () => {
    const ms = evaluate<Visible, unknown>('visible.mjs', async ({ untilVisible }) => {
      const pause = async (): Promise<void> => undefined;
      return untilVisible({ read: async () => 7, expected: 5, acceptedAt: 40, everyMs: 10, now: () => 42, pause });
    });
    expect(ms).toBe(2);
  });

  it('gives up once it has been patient', () => {
    const found = evaluate<Visible, unknown>('visible.mjs', async ({ untilVisible }) => {
      let clock = 0;
      let reads = 0;
      const read = async (): Promise<number> => {
        reads += 1;
        return 4;
      };
      const pause = async (ms: number): Promise<void> => {
        clock += ms;
      };
      const options = { read, expected: 5, acceptedAt: 0, everyMs: 10, patience: 100, now: () => clock, pause };
      const ms = await untilVisible(options);
      return { seen: ms !== undefined, reads };
    });
    expect(found).toEqual({ seen: false, reads: 12 });
  });

  it('takes its quantiles from what was seen, and says nothing where nothing was', () => {
    const row = evaluate<Visible, unknown>('visible.mjs', ({ visibleRow }) =>
      visibleRow({ progress: [30, undefined, 10, 20], board: [undefined] }),
    );
    expect(row).toEqual({ progressP50: 20, progressP95: 30, progressP99: 30, progressSamples: 3 });
  });
});

describe('the lag that consumers tell', () => {
  it('is read of both, from one text or from two that follow each other; its p99 is that of each by itself', () => {
    const found = evaluate<Lag, unknown>('lag.mjs', ({ lagsOf, lagRow }) => {
      const told = (consumer: string, events: number, age: number): string =>
        [
          '# TYPE consumer_lag_events gauge',
          `consumer_lag_events{consumer="${consumer}"} ${events}`,
          `consumer_lag_seconds{consumer="${consumer}"} ${age}`,
        ].join('\n');
      const one = lagsOf(`${told('progression', 3, 0.25)}\n${told('leaderboard', 8, 1.5)}`);
      const two = lagsOf(`${told('leaderboard', 0, 0)}\n${told('fairness', 90, 90)}\n${told('progression', 2, 0.75)}`);
      return { one, two, row: lagRow([one, two]) };
    });
    expect(found).toEqual({
      one: { events: 8, progression: 0.25, leaderboard: 1.5 },
      two: { events: 2, progression: 0.75, leaderboard: 0 },
      row: { progressionLagP99: 0.75, leaderboardLagP99: 1.5, lagEventsP99: 8, lagSamples: 2 },
    });
  });

  it('is not taken for none where a consumer tells nothing', () => {
    const refusal = evaluate<Lag, unknown>('lag.mjs', ({ lagsOf }) => {
      try {
        return lagsOf('consumer_lag_events{consumer="progression"} 0');
      } catch (error) {
        return (error as Error).message;
      }
    });
    expect(refusal).toBe('Nobody tells consumer_lag_events of leaderboard');
  });
});
