import { AppError } from '../../../src/shared/errors/app-error';
import { type ChangesOptions, type ServerStream, serveChanges } from '../../../src/shared/rpc/grpc.changes';
import { eventually } from '../../support/eventually';

interface Answer {
  readonly version: number;
}

/** What serveChanges needs of a call; `writableNeedDrain`: the peer does not read. */
function callOf(writableNeedDrain: boolean): ServerStream<Answer> & { writableNeedDrain: boolean } {
  return { writableNeedDrain, emit: () => true } as unknown as ServerStream<Answer> & { writableNeedDrain: boolean };
}

// Ends what a failed test leaves behind.
let draining: AbortController;
beforeEach(() => {
  draining = new AbortController();
});
afterEach(() => draining.abort());

const optionsOf = (maxWatchers = 2): ChangesOptions => ({
  everyMs: 5,
  draining: draining.signal,
  watchers: { count: 0 },
  maxWatchers,
});

test('a peer that does not read gets no queue of old answers, and the latest when it reads again', async () => {
  let version = 1;
  let reads = 0;
  const call = callOf(false);
  const read = async (): Promise<Answer> => {
    reads += 1;
    return { version };
  };
  const told: number[] = [];
  const watching = serveChanges<Answer>(call, read, optionsOf()).subscribe((answer) => told.push(answer.version));
  const someReads = async (): Promise<void> => {
    const until = reads + 5;
    await eventually(async () => expect(reads).toBeGreaterThan(until));
  };
  await someReads();
  expect(told).toEqual([1]);
  call.writableNeedDrain = true;
  for (version = 2; version < 6; version++) await someReads();
  expect(told).toEqual([1]);
  call.writableNeedDrain = false;
  await someReads();
  expect(told).toEqual([1, 6]);
  watching.unsubscribe();
});

test('there are no more watchers than there may be; who leaves makes room, and is asked for no more', async () => {
  const options = optionsOf(2);
  let reads = 0;
  const read = async (): Promise<Answer> => {
    reads += 1;
    return { version: 1 };
  };
  const watch = () => serveChanges<Answer>(callOf(false), read, options);
  const [first, second] = [watch().subscribe(), watch().subscribe()];
  const refused = await new Promise((resolve) => watch().subscribe({ error: resolve }));
  expect(refused).toBeInstanceOf(AppError);
  expect(refused).toMatchObject({ kind: 'throttled', code: 'rate_limited', details: { retryAfterMs: 10_000 } });
  first?.unsubscribe();
  const third = watch().subscribe();
  expect(options.watchers.count).toBe(2);
  second?.unsubscribe();
  third.unsubscribe();
  expect(options.watchers.count).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 30));
  const after = reads;
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(reads).toBe(after);
});
