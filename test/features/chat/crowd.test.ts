import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { openApp, type TestApp } from '../../support/wires';
import { type ChatTestClient, GrpcClient, TcpClient, WsClient } from './clients';

// The promise: 200 clients on mixed wires, 5 of which never read. All others hear everything, once and in order, as if the
// five were not there; the five cost little, are told how much they missed when they read on, and are closed after 10 s.

const people = 200;
const rounds = 8;
const stuckBytes = 128 * 1024;

async function open(stuck: number): Promise<AsyncDisposable & { readonly app: TestApp }> {
  const database = await everyDatabase[0]!.create();
  const app = await openApp(database.url, { CHAT_PORT: '0', CONNECTIONS_PER_ADDRESS_MAX: '1000' });
  const close = async (): Promise<void> => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  };
  expect(stuck).toBeLessThan(people);
  return { app, [Symbol.asyncDispose]: close };
}

function clientOn(app: TestApp, i: number): ChatTestClient {
  if (i % 3 === 0) return new TcpClient(app.ports.chat as number);
  return i % 3 === 1 ? new WsClient(app.url) : new GrpcClient(app.grpcAddress);
}

interface Story {
  readonly heard: readonly string[];
  /** Of each sender, what one client heard of it. */
  readonly bySender: ReadonlyMap<string, readonly string[]>;
}

/** Ten clients say `rounds` things each, slowly enough for their pace; answers what each reading client has heard. */
async function talk(clients: readonly ChatTestClient[], readers: readonly ChatTestClient[], padding: string) {
  const senders = readers.slice(0, 10);
  const mine = (reader: ChatTestClient): string[] => reader.said().filter((line) => line !== 'u0: all here');
  for (let round = 1; round <= rounds; round += 1) {
    for (const sender of senders) sender.say(`${round} ${padding}`);
    // The next round comes when all have heard this one, however slow the machine is; and no sender is too fast.
    await new Promise((resolve) => setTimeout(resolve, 150));
    await eventually(async () => {
      for (const reader of readers) expect(mine(reader).length).toBeGreaterThanOrEqual(senders.length * round);
    }, 60_000);
  }
  expect(clients.length).toBe(people);
  return readers.map((reader): Story => {
    const heard = mine(reader);
    const bySender = new Map(senders.map(({ name }) => [name, heard.filter((line) => line.startsWith(`${name}: `))]));
    return { heard, bySender };
  });
}

test.each([0, 5])('200 clients on three wires, %i of which do not read', async (stuckCount) => {
  await using opened = await open(stuckCount);
  const { app } = opened;
  const clients = Array.from({ length: people }, (_, i) => clientOn(app, i));
  try {
    for (let from = 0; from < people; from += 25)
      await Promise.all(clients.slice(from, from + 25).map((client, i) => client.enter(`u${from + i}`)));
    const readers = clients.slice(0, people - stuckCount);
    for (const client of clients.slice(people - stuckCount)) client.pause();
    // While all of them came, some may have missed who else did; whoever hears this has been told so.
    await eventually(async () => {
      readers[0]?.say('all here');
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const reader of readers) expect(reader.said()).toContain('u0: all here');
    }, 60_000);
    const missed = readers.map((reader) => reader.missed());
    const stories = await talk(clients, readers, 'x'.repeat(400));
    const [first] = stories as [Story];
    for (const { heard, bySender } of stories) {
      expect(heard).toHaveLength(10 * rounds);
      // One order for all, so also the order of each sender.
      expect(heard).toEqual(first.heard);
      for (const [name, lines] of bySender)
        expect(lines).toEqual(Array.from({ length: rounds }, (_, round) => `${name}: ${round + 1} ${'x'.repeat(400)}`));
    }
    expect(readers.map((reader) => reader.missed())).toEqual(missed);
  } finally {
    for (const client of clients) client.close();
  }
});

/** Frames that were dropped so far, for clients that did not read. */
async function dropped(app: TestApp): Promise<number> {
  const metrics = await (await fetch(`${app.url}/metrics`)).text();
  return Number(/^chat_messages_dropped_total\{reason="slow_reader"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}

/** Says long things until some of it is dropped, and answers how many. The kernel takes megabytes before anything waits here. */
async function floodUntilDropped(app: TestApp, senders: readonly TcpClient[]): Promise<number> {
  const text = '\u5F81'.repeat(512);
  let said = 0;
  while ((await dropped(app)) <= 100) {
    for (const sender of senders) sender.say(text);
    said += senders.length;
    await new Promise((resolve) => setTimeout(resolve, 110));
  }
  return said;
}

test('who reads on is told exactly how much was missed; who does not is closed', async () => {
  await using opened = await open(0);
  const { app } = opened;
  const [late, never] = [new TcpClient(app.ports.chat as number), new TcpClient(app.ports.chat as number)];
  const ws = new WsClient(app.url);
  const senders = Array.from({ length: 40 }, () => new TcpClient(app.ports.chat as number));
  const [first, ...others] = senders as [TcpClient, ...TcpClient[]];
  try {
    for (const [client, name] of [
      [late, 'late'],
      [never, 'never'],
      [ws, 'ws'],
    ] as const)
      await client.enter(name);
    await Promise.all(senders.map((sender, i) => sender.enter(`s${i}`)));
    await eventually(async () => expect(late.lines.filter((line) => line.endsWith('joined'))).toHaveLength(42));
    late.clear();
    const memory = process.memoryUsage().arrayBuffers;
    for (const client of [late, never, ws]) client.pause();
    const said = await floodUntilDropped(app, others);
    expect(process.memoryUsage().arrayBuffers - memory).toBeLessThan(3 * stuckBytes + 20 * 1024 * 1024);
    late.resume();
    ws.resume();
    // Afterwards something is heard again.
    await eventually(async () => {
      first.say('the end');
      await new Promise((resolve) => setTimeout(resolve, 200));
      expect([late.lines.at(-1), ws.heard.at(-1)?.text]).toEqual(['s0: the end', 'the end']);
    });
    // Each line that was said was heard, or is told to be missed; or was too fast, where the process itself stood still.
    await eventually(async () => {
      const ends = late.lines.filter((line) => line === 's0: the end').length;
      const refused = others.flatMap(({ lines }) => lines.filter((line) => line === 'ERR slow_down')).length;
      expect(late.said().length - ends + late.missed() + refused).toBe(said);
    });
    expectNoHole(ws.heard);
    // A socket that reads nothing does not see its end.
    await eventually(async () => {
      for (const sender of senders) sender.say('\u5F81'.repeat(512));
      await new Promise((resolve) => setTimeout(resolve, 110));
      const { users } = (await (await fetch(`${app.url}/chat/users?pageSize=100`)).json()) as {
        users: { name: string }[];
      };
      expect(users.map(({ name }) => name)).not.toContain('never');
    }, 60_000);
  } finally {
    for (const client of [late, never, ws, ...senders]) client.close();
  }
}, 120_000);

test('a reader on gRPC that is closed is told why, whenever it reads on', async () => {
  await using opened = await open(0);
  const { app } = opened;
  const stuck = new GrpcClient(app.grpcAddress);
  const senders = Array.from({ length: 40 }, () => new TcpClient(app.ports.chat as number));
  try {
    await stuck.enter('stuck');
    await Promise.all(senders.map((sender, i) => sender.enter(`s${i}`)));
    stuck.pause();
    await eventually(async () => {
      for (const sender of senders) sender.say('\u5F81'.repeat(512));
      await new Promise((resolve) => setTimeout(resolve, 110));
      const { users } = (await (await fetch(`${app.url}/chat/users?pageSize=100`)).json()) as {
        users: { name: string }[];
      };
      expect(users.map(({ name }) => name)).not.toContain('stuck');
    }, 60_000);
    stuck.resume();
    await stuck.ended;
    await eventually(async () => expect(stuck.error).toMatchObject({ code: 8 }));
  } finally {
    for (const client of [stuck, ...senders]) client.close();
  }
}, 120_000);

/** Numbers follow each other, but for gaps of exactly the size that was told. */
function expectNoHole(heard: readonly Record<string, unknown>[]): void {
  let [last, gap] = [0, 0];
  for (const frame of heard) {
    if (frame.type === 'missed') gap += Number(frame.messages);
    if (frame.type !== 'message') continue;
    const seq = Number(frame.seq);
    if (last > 0) expect(seq).toBe(last + gap + 1);
    [last, gap] = [seq, 0];
  }
  expect(last).toBeGreaterThan(0);
}
