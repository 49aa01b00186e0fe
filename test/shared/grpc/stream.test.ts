import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { serveStream } from '../../../src/shared/grpc/grpc.stream';
import { eventually } from '../../support/eventually';
import { UnreadCall } from '../../support/unread-call';

// What serveStream promises of any stream, with limits that a test can wait for.

interface Text {
  readonly text: string;
}

const encode = ({ text }: Text): Buffer => Buffer.from(text);
const decode = (bytes: Buffer): Text => ({ text: bytes.toString() });
const path = '/test.Echo/Talk';

interface Echo extends AsyncDisposable {
  readonly address: string;
  open(): ClientDuplexStream<Text, Text>;
  /** Resolves when the handler of the last stream has. */
  served(): Promise<void>;
}

async function echo(
  answer: (request: Text) => Promise<Text>,
  options: { window?: number; idleMs?: number; draining?: AbortSignal },
): Promise<Echo> {
  let served: Promise<void> = Promise.resolve();
  const limits = { window: 4, idleMs: 10_000, draining: new AbortController().signal, ...options };
  const server = new Server();
  const talk = {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  };
  server.addService(
    { talk },
    {
      talk: (call: ServerDuplexStream<Text, Text>) => {
        served = serveStream(call, answer, limits);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const address = `127.0.0.1:${port}`;
  const client = new Client(address, credentials.createInsecure());
  return {
    address,
    open: () => client.makeBidiStreamRequest<Text, Text>(path, encode, decode, new Metadata()),
    served: () => served,
    [Symbol.asyncDispose]: async () => {
      client.close();
      server.forceShutdown();
    },
  };
}

function endOf(call: ClientDuplexStream<Text, Text>): Promise<ServiceError | undefined> {
  return new Promise((resolve) => {
    call.on('error', resolve).on('end', () => resolve(undefined));
  });
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('works on a window of messages at once, answers in order', async () => {
  let running = 0;
  let most = 0;
  await using server = await echo(
    async ({ text }) => {
      running += 1;
      most = Math.max(most, running);
      // Later messages are ready earlier.
      await sleep(20 - (Number(text) % 20));
      running -= 1;
      return { text };
    },
    { window: 4 },
  );
  const call = server.open();
  const answers: string[] = [];
  call.on('data', ({ text }: Text) => answers.push(text));
  const ended = endOf(call);
  for (let i = 0; i < 100; i++) call.write({ text: String(i) });
  call.end();
  expect(await ended).toBeUndefined();
  expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  expect(most).toBe(4);
});

test('a peer that reads nothing is answered no further, and the rest is not even begun', async () => {
  let begun = 0;
  const large = 'x'.repeat(20_000);
  await using server = await echo(
    async () => {
      begun += 1;
      return { text: large };
    },
    { window: 4 },
  );
  const call = new UnreadCall(server.address, path);
  for (let i = 0; i < 500; i++) call.send(Buffer.from(String(i)));
  call.end();
  let before = -1;
  while (begun !== before || begun === 0) {
    before = begun;
    await sleep(200);
  }
  // 64 KiB of HTTP/2 window, what the server's stream buffers, and the window.
  expect(begun).toBeLessThan(50);
  call.read();
  expect(await call.ended).toBe(status.OK);
  expect([begun, call.answers.length]).toEqual([500, 500]);
  call.close();
});

test('without a message for the idle time it ends, naming the limit', async () => {
  // Sockets go on by themselves; the time that the limit sees passes by hand.
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
  try {
    await using server = await echo(async (request) => request, { idleMs: 1500 });
    const call = server.open();
    const answers: string[] = [];
    call.on('data', ({ text }: Text) => answers.push(text));
    let over = false;
    const ended = endOf(call).finally(() => {
      over = true;
    });
    for (let i = 0; i < 4; i++) {
      call.write({ text: String(i) });
      while (answers.length <= i && !over) await new Promise((resolve) => setImmediate(resolve));
      // Each message begins the time anew.
      jest.advanceTimersByTime(1499);
    }
    expect(answers).toEqual(['0', '1', '2', '3']);
    jest.advanceTimersByTime(1);
    expect(await ended).toMatchObject({
      code: status.DEADLINE_EXCEEDED,
      details: expect.stringContaining('1.5 seconds'),
    });
  } finally {
    jest.useRealTimers();
  }
});

test('a drain answers what was read, begins nothing more, and ends it as unavailable', async () => {
  const draining = new AbortController();
  const begun: string[] = [];
  let letGo = (): void => undefined;
  const goes = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await using server = await echo(
    async (request) => {
      begun.push(request.text);
      await goes;
      return request;
    },
    { window: 3, draining: draining.signal },
  );
  const call = server.open();
  const answers: string[] = [];
  call.on('data', ({ text }: Text) => answers.push(text));
  const ended = endOf(call);
  for (let i = 0; i < 20; i++) call.write({ text: String(i) });
  await eventually(async () => expect(begun).toHaveLength(3));
  draining.abort();
  letGo();
  expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
  await sleep(150);
  expect(begun).toEqual(['0', '1', '2']);
  expect(answers).toEqual(begun);
});

test('a peer that goes away leaves nothing waiting', async () => {
  await using server = await echo(async () => ({ text: 'x'.repeat(100_000) }), {});
  const call = server.open();
  const ended = endOf(call);
  for (let i = 0; i < 50; i++) call.write({ text: String(i) });
  await sleep(200);
  call.cancel();
  expect(await ended).toMatchObject({ code: status.CANCELLED });
  await server.served();
});
