import { Pass } from '../../../src/shared/async/row-by-row';
import { unavailable } from '../../../src/shared/errors/common.errors';
import { eventually } from '../../support/eventually';
import { testJobs } from '../../support/jobs';

// One job that fails skips no other, and one row stops no other.

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

describe('a round', () => {
  test('goes on after a job that rejects or throws, tells and counts it, and says whether there is more', async () => {
    const { jobs, lines, metric } = testJobs();
    const ran: string[] = [];
    const work = {
      'a.rejects': () => Promise.reject(new Error('disk')),
      'a.throws': () => {
        throw new Error('bug');
      },
      'a.more': async () => {
        ran.push('more');
        return true;
      },
      'a.last': async () => {
        ran.push('last');
      },
    };
    expect([await jobs.round(work), await jobs.round(work)]).toEqual([true, true]);
    expect(ran).toEqual(['more', 'last', 'more', 'last']);
    expect(await metric('job_failures_total', 'a.rejects')).toBe(2);
    expect(await metric('job_failures_total', 'a.throws')).toBe(2);
    // Twice in a second is worth one line.
    expect(lines.map(({ message, job }) => [message, job])).toEqual([
      ['job_failed', 'a.rejects'],
      ['job_failed', 'a.throws'],
    ]);
  });

  test('of a loop comes again, and every job of it is a metric before anything fails', async () => {
    const { jobs, metric } = testJobs();
    let rounds = 0;
    const work = {
      'a.fails': () => Promise.reject(new Error('always')),
      'a.works': async () => {
        rounds += 1;
      },
    };
    const loop = jobs.loop(work, { everyMs: 1, atOnce: true });
    expect(await metric('job_failures_total', 'a.works')).toBe(0);
    loop.start();
    await eventually(async () => expect(rounds).toBeGreaterThan(3));
    await loop.stop();
    expect(await metric('job_failures_total', 'a.fails')).toBe(rounds);
  });

  test('that is due tells how often; each job when it last succeeded, from the start on, however it is woken', async () => {
    const { jobs, metric } = testJobs();
    const clock = jest.spyOn(Date, 'now').mockReturnValue(1_000_000);
    try {
      let broken = true;
      const work = {
        'a.fails': async () => {
          if (broken) throw new Error('not now');
        },
        'a.works': async () => undefined,
      };
      const last = async () => [
        await metric('job_last_success_timestamp_seconds', 'a.fails'),
        await metric('job_last_success_timestamp_seconds', 'a.works'),
      ];
      jobs.loop(work, { everyMs: 300_000 });
      expect(await metric('job_interval_seconds', 'a.fails')).toBe(300);
      expect(await last()).toEqual([1000, 1000]);
      clock.mockReturnValue(1_300_000);
      await jobs.round(work);
      expect(await last()).toEqual([1000, 1300]);
      broken = false;
      clock.mockReturnValue(1_600_000);
      await jobs.round(work);
      expect(await last()).toEqual([1600, 1600]);
    } finally {
      clock.mockRestore();
    }
  });
});

describe('rows', () => {
  test('one that fails stops no other; it is tried five times and then left alone, and the metric says so', async () => {
    const { jobs, lines, metric } = testJobs();
    const tried: number[] = [];
    const rows = jobs.rows<number>('a.rows', String, async (row) => {
      tried.push(row);
      if (row === 2) throw new Error('too long for its column');
    });
    for (let round = 1; round <= 8; round += 1) {
      await rows.handle(numbers(3));
      expect(await metric('job_rows_parked', 'a.rows')).toBe(round < 5 ? 0 : 1);
    }
    expect(tried.filter((row) => row === 2)).toHaveLength(5);
    expect(tried.filter((row) => row !== 2)).toHaveLength(16);
    expect(await metric('job_failures_total', 'a.rows')).toBe(5);
    expect(lines.map(({ level, message, row }) => [level, message, row])).toEqual([
      ...new Array(4).fill(['warn', 'job_row_failed', '2']),
      ['error', 'job_row_parked', '2'],
    ]);
  });

  test('one that works after all begins anew, one that is gone is forgotten', async () => {
    const { jobs, metric } = testJobs();
    let broken = true;
    const rows = jobs.rows<number>('a.rows', String, async () => {
      if (broken) throw new Error('not now');
    });
    for (let round = 0; round < 4; round += 1) await rows.handle([1]);
    broken = false;
    await rows.handle([1]);
    broken = true;
    for (let round = 0; round < 4; round += 1) await rows.handle([1]);
    expect(await metric('job_rows_parked', 'a.rows')).toBe(0);
    await rows.handle([1]);
    expect(await metric('job_rows_parked', 'a.rows')).toBe(1);
    await rows.handle([]);
    expect(await metric('job_rows_parked', 'a.rows')).toBe(0);
    await rows.handle([1]);
    expect(await metric('job_failures_total', 'a.rows')).toBe(10);
  });

  test('an outage is nobody’s failure: it is told, the rest waits after three in a row, and nothing is parked', async () => {
    const { jobs, metric } = testJobs();
    const tried: number[] = [];
    const rows = jobs.rows<number>('a.rows', String, async (row) => {
      tried.push(row);
      throw unavailable();
    });
    for (let round = 0; round < 7; round += 1)
      await expect(rows.handle(numbers(10))).rejects.toMatchObject({ code: 'unavailable' });
    expect(tried).toEqual(new Array(7).fill([1, 2, 3]).flat());
    expect(await metric('job_rows_parked', 'a.rows')).toBe(0);
  });

  test('one without an answer does not stop those behind it', async () => {
    const done: number[] = [];
    const rows = testJobs().jobs.rows<number>('a.rows', String, async (row) => {
      if (row % 2 === 0) throw unavailable();
      done.push(row);
    });
    await expect(rows.handle(numbers(9))).rejects.toMatchObject({ code: 'unavailable' });
    expect(done).toEqual([1, 3, 5, 7, 9]);
  });
});

test('a pass goes through all rows, a few at a time, however many of them are parked, and begins anew', async () => {
  const { jobs, metric } = testJobs();
  const done: number[] = [];
  const rows = jobs.rows<number>('a.pass', String, async (row) => {
    if (row <= 6) throw new Error('for ever');
    done.push(row);
  });
  const pass = new Pass(rows, 3);
  const step = (): Promise<void> =>
    pass.step(async (after = 0, limit) =>
      numbers(8)
        .filter((row) => row > after)
        .slice(0, limit),
    );
  for (let i = 0; i < 3; i += 1) await step();
  expect(done).toEqual([7, 8]);
  for (let i = 0; i < 12; i += 1) await step();
  expect(done).toEqual([7, 8, 7, 8, 7, 8, 7, 8, 7, 8]);
  expect(await metric('job_rows_parked', 'a.pass')).toBe(6);
  expect(await metric('job_failures_total', 'a.pass')).toBe(30);
});
