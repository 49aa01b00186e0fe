import { deadlineExceeded, unavailable, validationFailed } from '../../../src/shared/errors/common.errors';
import { Endpoint, type EndpointState, MisplacedError } from '../../../src/shared/remote/endpoint';
import type { Send } from '../../../src/shared/remote/remote';
import { RetryBudget } from '../../../src/shared/remote/retry-budget';
import { inVirtualTime } from '../../support/virtual-time';

// ISSUE 11: five failures in a row and an address rests, for 30 s in the end; then one call tries it.

const silence = () => unavailable(new Error('connection refused'));
const call = [
  'getUser',
  { http: 'GET /users/:id', access: 'player' },
  {},
  {},
  1000,
] as const satisfies Parameters<Send>;

/** An endpoint whose wire does what `next` says, and counts. */
function endpoint() {
  const told: EndpointState[] = [];
  const line = { sent: 0, next: (): Promise<object> => Promise.resolve({}) };
  const send: Send = () => {
    line.sent += 1;
    return line.next();
  };
  const made = new Endpoint(
    'grpc://a:1',
    { send, probe: async () => void (await send(...call)), close: async () => undefined, gone: () => false },
    (state) => told.push(state),
  );
  const codes = async (count: number): Promise<string[]> => {
    const found: string[] = [];
    for (let i = 0; i < count; i += 1)
      found.push(
        await made.send(...call).then(
          () => 'ok',
          ({ code }) => code,
        ),
      );
    return found;
  };
  return { made, line, told, codes };
}

const fail = (error: () => Error) => (): Promise<object> => Promise.reject(error());

test('after five failures in a row nothing is sent for a second, then one call tries, and each rest is longer', async () => {
  const { made, line, told, codes } = endpoint();
  await inVirtualTime(1_000_000, async () => {
    line.next = fail(silence);
    expect(await codes(4)).toEqual(new Array(4).fill('unavailable'));
    line.next = () => Promise.resolve({});
    await codes(1);
    line.next = fail(silence);
    await codes(4);
    expect([made.state, made.usable, told]).toEqual(['closed', true, []]);
    await codes(1);
    expect([made.state, made.usable]).toEqual(['open', false]);
    const before = line.sent;
    expect(await codes(3)).toEqual(new Array(3).fill('unavailable'));
    expect(line.sent).toBe(before);
    for (const [i, seconds] of [1, 2, 4, 8, 16, 30, 30, 30].entries()) {
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000 - 10));
      expect([seconds, made.usable]).toEqual([seconds, false]);
      await new Promise((resolve) => setTimeout(resolve, 11));
      expect([seconds, made.usable]).toEqual([seconds, true]);
      // It still does not answer.
      await codes(1);
      expect([line.sent - before, made.usable]).toEqual([i + 1, false]);
    }
    await new Promise((resolve) => setTimeout(resolve, 30_001));
    line.next = () => Promise.resolve({});
    expect(await codes(2)).toEqual(['ok', 'ok']);
    expect([made.state, told.slice(0, 3), told.slice(-2)]).toEqual([
      'closed',
      ['open', 'half-open', 'open'],
      ['half-open', 'closed'],
    ]);
    // What answered again rests shortly.
    line.next = fail(silence);
    await codes(5);
    await new Promise((resolve) => setTimeout(resolve, 1001));
    expect(made.usable).toBe(true);
  });
});

test('whoever asks how it is has it tried, once its rest is over: also where nobody calls it is found to be back', async () => {
  const { made, line, codes } = endpoint();
  await inVirtualTime(1_000_000, async () => {
    line.next = fail(silence);
    await codes(5);
    const before = line.sent;
    made.look();
    expect([made.state, line.sent]).toEqual(['open', before]);
    await new Promise((resolve) => setTimeout(resolve, 1001));
    made.look();
    await new Promise((resolve) => setTimeout(resolve, 1));
    // It is not back, and rests longer.
    expect([made.state, line.sent, made.usable]).toEqual(['open', before + 1, false]);
    line.next = () => Promise.resolve({});
    await new Promise((resolve) => setTimeout(resolve, 2001));
    made.look();
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect([made.state, line.sent]).toEqual(['closed', before + 2]);
  });
});

test('what is another feature stays left alone until a call succeeds: that somebody answers does not mend it', async () => {
  const { made, line, codes } = endpoint();
  await inVirtualTime(1_000_000, async () => {
    line.next = fail(() => unavailable(new MisplacedError('another feature is there')));
    await codes(5);
    line.next = () => Promise.resolve({});
    await new Promise((resolve) => setTimeout(resolve, 1001));
    made.look();
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(made.state).toBe('open');
    await codes(1);
    expect(made.state).toBe('closed');
  });
});

test('while one call tries it, others go elsewhere', async () => {
  const { made, line, codes } = endpoint();
  await inVirtualTime(100_000, async () => {
    line.next = fail(silence);
    await codes(5);
    await new Promise((resolve) => setTimeout(resolve, 1001));
    let answer = (_body: object): void => undefined;
    line.next = () => new Promise<object>((resolve) => (answer = resolve));
    const trial = made.send(...call);
    expect([made.state, made.usable]).toEqual(['half-open', false]);
    await expect(made.send(...call)).rejects.toMatchObject({ code: 'unavailable' });
    answer({});
    expect(await trial).toEqual({});
    expect(made.usable).toBe(true);
  });
});

test.each([
  ['says no', () => validationFailed([])],
  ['cannot just now', () => unavailable()],
  ['was late itself', () => deadlineExceeded()],
])('a server that %s is there', async (_name, error) => {
  const { made, line, codes } = endpoint();
  line.next = fail(error);
  await codes(20);
  expect([line.sent, made.state]).toEqual([20, 'closed']);
});

test('one that lets every call time out is left alone', async () => {
  const { made, line, codes } = endpoint();
  line.next = fail(() => deadlineExceeded(new Error('no answer')));
  await codes(6);
  expect([line.sent, made.state]).toEqual([5, 'open']);
});

test('further tries: ten at first, then one for ten calls', () => {
  const budget = new RetryBudget();
  const granted = (asked: number): number =>
    Array.from({ length: asked }, () => budget.withdraw()).filter(Boolean).length;
  expect(granted(50)).toBe(10);
  for (let i = 0; i < 55; i += 1) budget.deposit();
  expect(granted(50)).toBe(5);
  for (let i = 0; i < 10_000; i += 1) budget.deposit();
  expect(granted(50)).toBe(10);
});
