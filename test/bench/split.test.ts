import { evaluate } from './evaluate';

interface Split {
  buses(withSqs: boolean): {
    readonly layouts: readonly { readonly name: string; readonly backing: readonly string[] }[];
    readonly notes: readonly string[];
  };
}

interface Contest {
  pairsOf(sides: readonly (readonly string[])[]): string[][];
}

interface Wires {
  rowOf(row: Record<string, number>): Record<string, number>;
}

interface Options {
  optionsOf(
    args: readonly string[],
    names: readonly string[],
    onServer: readonly string[],
  ): { readonly database: string };
}

interface Machine {
  serverCpuEach(before: object, after: object, count: number): Record<string, number>;
}

describe('the scenarios of several processes', () => {
  it('measure the buses that can be started here, and say which are left out and why', () => {
    const [here, without] = evaluate<Split, ReturnType<Split['buses']>[]>('split.mjs', ({ buses }) => [
      buses(true),
      buses(false),
    ]);
    expect(here?.layouts.map(({ name }) => name)).toEqual([
      'one process, inmem',
      'six processes, redis',
      'six processes, sqs',
    ]);
    expect(here?.layouts.map(({ backing }) => backing)).toEqual([['redis'], ['redis'], ['redis', 'sqs']]);
    expect(here?.notes).toContainEqual(expect.stringMatching(/^left out: servicebus, as/));
    expect(without?.layouts.map(({ name }) => name)).toEqual(['one process, inmem', 'six processes, redis']);
    expect(without?.notes).toContainEqual(expect.stringMatching(/^left out: sqs, as/));
  });

  it('divide each by those before it, gRPC by HTTP, and each of a build by that of the other build', () => {
    const [one, two] = evaluate<Contest, string[][][]>('contest.mjs', ({ pairsOf }) => [
      pairsOf([['inmem', 'redis', 'sqs']]),
      pairsOf([
        ['whole', 'split'],
        ['their whole', 'their split'],
      ]),
    ]);
    expect(one).toEqual([
      ['redis', 'inmem'],
      ['sqs', 'inmem'],
      ['sqs', 'redis'],
    ]);
    expect(two).toEqual([
      ['split', 'whole'],
      ['their split', 'their whole'],
      ['whole', 'their whole'],
      ['split', 'their split'],
    ]);
  });

  it('count what both sides of a call use', () => {
    const row = evaluate<Wires, unknown>('wires.mjs', ({ rowOf }) =>
      rowOf({ worked: 1000, seconds: 2, generatorCpu: 0.5, cpuUs: 300 }),
    );
    // Half of a core for two seconds is a second for a thousand calls.
    expect(row).toEqual({ worked: 1000, seconds: 2, cpuUs: 300, callerCpu: 0.5, callerUs: 1000, bothUs: 1300 });
  });

  it('run on PostgreSQL where nothing else is asked for', () => {
    const databases = evaluate<Options, string[]>('options.mjs', ({ optionsOf }) => {
      const databaseOf = (...args: string[]): string =>
        optionsOf(args, ['single', 'split', 'wires'], ['split', 'wires']).database;
      return [
        databaseOf(),
        databaseOf('--only', 'split,wires'),
        databaseOf('--only', 'split,single'),
        databaseOf('--only', 'split', '--database', 'mariadb'),
      ];
    });
    expect(databases).toEqual(['sqlite', 'postgres', 'sqlite', 'mariadb']);
  });

  it('count the servers beside the processes, each by itself', () => {
    const each = evaluate<Machine, unknown>('machine.mjs', ({ serverCpuEach }) =>
      serverCpuEach({ database: 1, redis: 2, sqs: 0 }, { database: 1.5, redis: 2.25, sqs: 0 }, 1000),
    );
    expect(each).toEqual({ databaseUs: 500, redisUs: 250, sqsUs: 0 });
  });
});
