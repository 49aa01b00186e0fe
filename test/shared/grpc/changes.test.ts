import { Poll, type Watcher } from '../../../src/shared/async/poll';
import { Places } from '../../../src/shared/connections/places';
import { AppError } from '../../../src/shared/errors/app-error';
import { type ServerStream, serveChanges, type Told } from '../../../src/shared/grpc/grpc.changes';
import { eventually } from '../../support/eventually';

interface Answer {
  readonly version: number;
}

/** What serveChanges needs of a call; `writableNeedDrain`: the peer does not read. */
function callOf(writableNeedDrain = false): ServerStream<Answer> & { writableNeedDrain: boolean } {
  return { writableNeedDrain, emit: () => true } as unknown as ServerStream<Answer> & { writableNeedDrain: boolean };
}

const everyMs = 5;
const never = (): boolean => false;
const told = (version: number): Told<Answer> => ({ answer: { version }, text: String(version) });

// Ends what a failed test leaves behind.
let draining: AbortController;
beforeEach(() => {
  draining = new AbortController();
});
afterEach(() => draining.abort());

test('a peer that does not read gets no queue of old answers, and the latest when it reads again', async () => {
  let version = 1;
  let looks = 0;
  const poll = new Poll(
    async () => {
      looks += 1;
      return told(version);
    },
    { everyMs, isFinal: never },
  );
  const call = callOf();
  const heard: number[] = [];
  const options = { draining: draining.signal, enter: () => () => undefined };
  const watching = serveChanges<Answer>(call, (watcher) => poll.watch(watcher), options).subscribe((answer) =>
    heard.push(answer.version),
  );
  const someLooks = async (): Promise<void> => {
    const until = looks + 5;
    await eventually(async () => expect(looks).toBeGreaterThan(until));
  };
  await someLooks();
  expect(heard).toEqual([1]);
  call.writableNeedDrain = true;
  for (version = 2; version < 6; version++) await someLooks();
  expect(heard).toEqual([1]);
  call.writableNeedDrain = false;
  await someLooks();
  expect(heard).toEqual([1, 6]);
  watching.unsubscribe();
});

describe('one poll for all who watch the same', () => {
  let looks: number;
  let answers: () => Promise<number>;
  let poll: Poll<number>;
  beforeEach(() => {
    looks = 0;
    answers = () => Promise.resolve(looks);
    const look = (): Promise<number> => {
      looks += 1;
      return answers();
    };
    poll = new Poll(look, { everyMs, isFinal: (seen) => seen === 3 });
  });

  const watcher = (): Watcher<number> & { readonly heard: unknown[] } => {
    const heard: unknown[] = [];
    return { heard, tell: (seen) => heard.push(seen), fail: (error) => heard.push(error) };
  };

  test('a hundred are told by the same looks, who comes later at once; what is final is looked at no more', async () => {
    const all = Array.from({ length: 100 }, watcher);
    const leave = all.map((one) => poll.watch(one));
    await eventually(async () => expect(all[0]?.heard.length).toBeGreaterThan(5));
    expect(looks).toBe(3);
    for (const { heard } of all) expect(heard).toEqual(all[0]?.heard);
    expect(all[0]?.heard.slice(0, 4)).toEqual([1, 2, 3, 3]);
    const late = watcher();
    const go = poll.watch(late);
    expect(late.heard).toEqual([3]);
    for (const each of [...leave, go]) each();
    expect([poll.idle, looks]).toEqual([true, 3]);
  });

  test('when all have left nobody looks any more; who comes then has a new answer', async () => {
    const [first, second] = [watcher(), watcher()];
    answers = () => Promise.resolve(0);
    poll.watch(first)();
    await new Promise((resolve) => setTimeout(resolve, 10 * everyMs));
    expect([looks, first.heard]).toEqual([1, []]);
    const leave = poll.watch(second);
    expect(second.heard).toEqual([]);
    await eventually(async () => expect(second.heard.length).toBeGreaterThan(0));
    leave();
  });

  test('an error ends all watches; that there are too many looks just now ends none', async () => {
    const all = [watcher(), watcher()];
    answers = () => {
      if (looks < 3) return Promise.reject(new AppError('throttled', 'rate_limited', 'later'));
      return looks < 5 ? Promise.resolve(0) : Promise.reject(new AppError('not_found', 'season_not_found', 'gone'));
    };
    for (const one of all) poll.watch(one);
    for (const { heard } of all)
      await eventually(async () =>
        expect(heard).toEqual([0, 0, expect.objectContaining({ code: 'season_not_found' })]),
      );
    expect([poll.idle, looks]).toEqual([true, 5]);
  });
});

test('there are no more watchers than there may be, nor from one address; who leaves makes room', async () => {
  const refused: string[] = [];
  let taken = 0;
  const places = new Places(
    { max: 4, perAddress: 2 },
    (now) => {
      taken = now;
    },
    (reason) => refused.push(reason),
  );
  const watch = (address: string | undefined): Promise<unknown> & { leave: () => void } => {
    const options = { draining: draining.signal, enter: () => places.take(address) };
    let leave = (): void => undefined;
    const outcome = new Promise((resolve) => {
      const watching = serveChanges<Answer>(
        callOf(),
        ({ tell }) => {
          tell(told(1));
          return () => undefined;
        },
        options,
      ).subscribe({ next: resolve, error: resolve });
      leave = () => watching.unsubscribe();
    });
    return Object.assign(outcome, { leave });
  };
  const rateLimited = expect.objectContaining({
    kind: 'throttled',
    code: 'rate_limited',
    details: { retryAfterMs: 10_000 },
  });
  const greedy = [watch('192.0.2.1'), watch('192.0.2.1')];
  expect(await Promise.all(greedy)).toEqual([{ version: 1 }, { version: 1 }]);
  expect(await watch('192.0.2.1')).toEqual(rateLimited);
  const others = [watch('192.0.2.2'), watch(undefined)];
  expect(await Promise.all(others)).toEqual([{ version: 1 }, { version: 1 }]);
  expect(await watch('192.0.2.3')).toEqual(rateLimited);
  expect([taken, refused]).toEqual([4, ['address', 'total']]);
  greedy[0]?.leave();
  expect(taken).toBe(3);
  const again = watch('192.0.2.1');
  expect(await again).toEqual({ version: 1 });
  for (const one of [...greedy, ...others, again]) one.leave();
  expect(taken).toBe(0);
});
