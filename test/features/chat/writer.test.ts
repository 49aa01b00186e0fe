import fc from 'fast-check';
import * as ws from 'ws';
import { ChatFlusher, SharedBuffers, textFrames } from '../../../src/features/chat/chat.flusher';
import { ChatFrame } from '../../../src/features/chat/chat.frame';
import { type ChatTransport, ChatWriter } from '../../../src/features/chat/chat.writer';

// The promise: whatever a client does with what it is sent, it costs 64 frames and 64 KiB at most beside the piece that is
// under way; what it does not get is counted exactly, and told in its place.

/** A wire whose other side takes a piece when the test says so. */
class HeldTransport implements ChatTransport {
  readonly taken: ChatFrame[] = [];
  underWay: readonly ChatFrame[] = [];
  private done: (() => void) | undefined;

  write(frames: readonly ChatFrame[], _shared: unknown, done: () => void): boolean {
    this.underWay = frames;
    this.done = done;
    return false;
  }

  take(): void {
    const { done } = this;
    this.done = undefined;
    this.taken.push(...this.underWay);
    this.underWay = [];
    done?.();
  }
}

function held(): { transport: HeldTransport; flusher: ChatFlusher; writer: ChatWriter; drops: () => number } {
  let drops = 0;
  const transport = new HeldTransport();
  const flusher = new ChatFlusher(() => undefined);
  const writer = new ChatWriter(transport, flusher, () => {
    drops += 1;
  });
  return { transport, flusher, writer, drops: () => drops };
}

const message = (seq: number, text = 'x'): ChatFrame => new ChatFrame({ type: 'message', seq, text });

test('a client that takes nothing costs what one piece and one queue have', () => {
  const { transport, flusher, writer, drops } = held();
  for (let seq = 1; seq <= 1000; seq += 1) {
    writer.push(message(seq, 'x'.repeat(500)));
    if (seq % 10 === 0) flusher.flush();
  }
  const bytes = (frames: readonly ChatFrame[]): number => frames.reduce((sum, { json }) => sum + json.length, 0);
  expect(bytes(transport.underWay)).toBeLessThanOrEqual(64 * 1024);
  expect(writer.waiting).toBeLessThanOrEqual(64 * 1024);
  expect(writer.fullSince).toBeDefined();
  expect(drops()).toBeGreaterThan(900);
});

test('a client that asks for the history again and again, and reads none of it, has it once', () => {
  const { transport, flusher, writer } = held();
  const history = Array.from({ length: 1000 }, (_, i) => message(i + 1));
  for (let i = 0; i < 20; i += 1) {
    writer.replay(history);
    flusher.flush();
  }
  expect(writer.fullSince).toBeDefined();
  for (let i = 0; i < 50; i += 1) {
    transport.take();
    flusher.flush();
  }
  expect(transport.taken.filter(({ told }) => told.type === 'message').length).toBeLessThanOrEqual(2000);
  expect(transport.taken.at(-1)?.told.type).toBe('missed');
});

test('two rooms within one tick are both said again to whoever reads, and told to whoever does not', () => {
  const flusher = new ChatFlusher(() => undefined);
  const history = (room: string): ChatFrame[] => [
    new ChatFrame({ type: 'room', room }),
    ...Array.from({ length: 1000 }, (_, i) => new ChatFrame({ type: 'message', room, seq: i, text: 'x' })),
  ];
  const [first, second] = [history('one'), history('two')];
  const taken: ChatFrame[] = [];
  const write = (frames: readonly ChatFrame[]): boolean => taken.push(...frames) > 0;
  const reader = new ChatWriter({ write }, flusher, () => undefined);
  for (const frames of [first, second]) reader.replay(frames);
  for (let i = 0; i < 50; i += 1) flusher.flush();
  expect(taken).toEqual([...first, ...second]);
  const { transport, flusher: other, writer } = held();
  for (const frames of [first, second]) writer.replay(frames);
  for (let i = 0; i < 50; i += 1) {
    other.flush();
    transport.take();
  }
  // Where it is now it hears in any case, and how much it has missed there.
  expect(transport.taken.map(({ told }) => told).slice(1001)).toEqual([
    expect.objectContaining({ type: 'room', room: 'two' }),
    ...second.slice(1, 64).map(({ told }) => told),
    { type: 'missed', count: 937, messages: 937 },
  ]);
});

test('where a client is it hears, however full its queue is: sixty-four times', () => {
  const { transport, flusher, writer, drops } = held();
  writer.push(message(0));
  flusher.flush();
  for (let i = 1; i <= 100; i += 1) {
    for (let seq = 0; seq < 3; seq += 1) writer.push(message(i * 10 + seq, 'x'.repeat(500)));
    writer.push(new ChatFrame({ type: 'room', room: `r${i}` }));
  }
  const before = drops();
  transport.take();
  flusher.flush();
  const rooms = transport.underWay.filter(({ told }) => told.type === 'room');
  expect(rooms.length).toBeGreaterThanOrEqual(64);
  expect(rooms.length).toBeLessThan(100);
  expect(drops()).toBe(before);
  expect(writer.fullSince).toBeDefined();
});

type Step = 'burst' | 'push' | 'other' | 'flush' | 'take' | 'replay';
const steps = fc.array(fc.constantFrom<Step>('burst', 'push', 'push', 'push', 'other', 'flush', 'take', 'replay'), {
  maxLength: 120,
  size: 'max',
});

test('of all that was pushed each frame is taken once and in order, or is part of a gap of exactly the told size', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const { transport, flusher, writer } = held();
      const pushed: ChatFrame[] = [];
      let seq = 0;
      for (const step of all) {
        if (step === 'push' || step === 'other' || step === 'burst') {
          for (let i = 0; i < (step === 'burst' ? 70 : 1); i += 1) {
            seq += 1;
            const frame = step === 'other' ? new ChatFrame({ type: 'joined', name: 'ada' }) : message(seq);
            pushed.push(frame);
            writer.push(frame);
          }
        } else if (step === 'replay') {
          const old = [message(-1), message(-2)];
          pushed.push(...old);
          writer.replay(old);
        } else if (step === 'flush') flusher.flush();
        else transport.take();
      }
      for (let i = 0; i < 50; i += 1) {
        flusher.flush();
        transport.take();
      }
      expectAll(pushed, transport.taken);
    }),
    { numRuns: 300 },
  );
});

/** Each frame in its place, or in a gap that says its size. */
function expectAll(pushed: readonly ChatFrame[], taken: readonly ChatFrame[]): void {
  let next = 0;
  for (const frame of taken) {
    if (frame.told.type !== 'missed') {
      expect(frame).toBe(pushed[next]);
      next += 1;
      continue;
    }
    const gap = pushed.slice(next, next + (frame.told.count ?? 0));
    expect(gap).toHaveLength(frame.told.count ?? 0);
    expect(frame.told.messages).toBe(gap.filter(({ numbered }) => numbered).length);
    next += gap.length;
  }
  expect(next).toBe(pushed.length);
}

test('however much a tick brings, what the system takes at once is never too much', () => {
  const flusher = new ChatFlusher(() => undefined);
  const taken: ChatFrame[] = [];
  const write = (frames: readonly ChatFrame[]): boolean => taken.push(...frames) > 0;
  const writer = new ChatWriter({ write }, flusher, () => {
    throw new Error('Dropped');
  });
  const frames = Array.from({ length: 1000 }, (_, i) => message(i + 1, 'x'.repeat(400)));
  for (const frame of frames) writer.push(frame);
  flusher.flush();
  expect(taken).toEqual(frames);
});

test('what a tick pushes is one piece, and those who hear the same share its bytes', () => {
  const flusher = new ChatFlusher(() => undefined);
  const pieces: Buffer[] = [];
  const writers = [1, 2, 3].map(
    () =>
      new ChatWriter(
        {
          write: (frames, shared) => {
            pieces.push(shared.lines(frames));
            return true;
          },
        },
        flusher,
        () => undefined,
      ),
  );
  const frames = [1, 2, 3].map((seq) => new ChatFrame({ type: 'message', seq, from: 'ada', text: `m${seq}` }));
  for (const frame of frames) for (const writer of writers) writer.push(frame);
  flusher.flush();
  expect(pieces).toHaveLength(3);
  expect(pieces[0]?.toString()).toBe('ada: m1\nada: m2\nada: m3\n');
  expect(pieces[1]).toBe(pieces[0]);
  expect(pieces[2]).toBe(pieces[0]);
});

/** What a client's ws reads; it has the class and not its type. */
const { Receiver } = ws as unknown as { readonly Receiver: new (options: object) => NodeJS.WritableStream };

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 70_000])(
  'a text of %d bytes is one frame that ws reads',
  async (length) => {
    const texts = ['x'.repeat(length), 'next'];
    const read: string[] = [];
    const receiver = new Receiver({ isServer: false });
    receiver.on('message', (data: Buffer, isBinary: boolean) => read.push(isBinary ? 'binary' : data.toString()));
    await new Promise<void>((resolve) => void receiver.write(textFrames(texts), () => resolve()));
    expect(read).toEqual(texts);
  },
);

test('those who hear the same in one tick share its bytes, on each wire', () => {
  const shared = new SharedBuffers();
  const [one, two] = [message(1, '\u00E9'), message(2)];
  expect(shared.frames([one, two])).toBe(shared.frames([one, two]));
  expect(shared.lines([one, two])).toBe(shared.lines([one, two]));
  expect(shared.frames([one])).not.toBe(shared.frames([two]));
  expect(shared.frames([one]).toString()).toContain(one.json);
  expect(shared.lines([one]).toString()).toBe(one.line);
});
