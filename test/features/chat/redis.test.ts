import { chatContract as chat } from '../../../src/features/chat/chat.api';
import type { AppProcess } from '../../support/app';
import { eventually } from '../../support/eventually';
import { freezeFamily } from '../../support/processes';
import { redisCall } from '../../support/redis';
import { HttpWire } from '../../support/wires';
import { GrpcClient, type Heard, TcpClient, WsClient } from './clients';
import { expectNoHole, startTwo, users } from './two';

// The promise: processes on one Redis have one conversation, and one that dies takes its users with it and leaves no ghost.

test('one conversation: messages, names, whispers, rooms, history, deleted messages, ids', async () => {
  await using two = await startTwo('patient');
  const { one, other } = two;
  const [ada, bob] = [new WsClient(one.url), new GrpcClient(other.grpcUrl.slice('grpc://'.length))];
  await ada.enter('ada');
  await bob.enter('bob');
  expect(await ada.hears('joined')).toMatchObject({ name: 'bob', room: 'lobby' });
  await eventually(async () =>
    expect([await users(one), await users(other)]).toEqual([
      ['ada', 'bob'],
      ['ada', 'bob'],
    ]),
  );
  const tcp = new TcpClient(other.chatPort as number);
  tcp.send('ADA\n');
  await tcp.hears('ERR username_taken');
  ada.say('hello', 'a-1');
  bob.say('hi');
  await Promise.all([ada.hears('message', 2), bob.hears('message', 2)]);
  const numbers = ({ seq, text, epoch }: Heard): unknown => [seq, text, epoch];
  expect(ada.of('message').map(numbers)).toEqual(bob.of('message').map(numbers));
  bob.whisper('ada', 'psst');
  expect(await ada.hears('whisper')).toMatchObject({ from: 'bob', text: 'psst' });
  // A retry that meets the other process.
  const post = (app: AppProcess, text: string) =>
    new HttpWire(app.url).call(chat, 'postMessage', { name: 'zoe', text, id: 'z-1' });
  const [first, again] = [await post(one, 'once'), await post(other, 'once')];
  expect([again.body.seq, again.body.epoch]).toEqual([first.body.seq, first.body.epoch]);
  expect((await post(other, 'other')).code).toBe('id_reused');
  const { body } = await new HttpWire(other.url).call(chat, 'listMessages', {});
  expect((body.messages as Heard[]).map(({ text }) => text).sort()).toEqual(['hello', 'hi', 'once']);
  await new HttpWire(one.url).call(chat, 'deleteMessage', { seq: first.body.seq });
  expect(await bob.hears('deleted')).toMatchObject({ seq: first.body.seq });
  expect(JSON.stringify(await redisCall(two.redis.url, 'LRANGE', '{aerie:chat}:log:lobby', 0, -1))).not.toContain(
    'once',
  );
  bob.send({ type: 'join', room: 'arena' });
  expect(await ada.hears('left')).toMatchObject({ name: 'bob' });
  for (const client of [ada, bob, tcp]) client.close();
  await eventually(async () => expect(await users(one)).toEqual([]));
});

test('both sides talk at once: all hear one order without a hole', async () => {
  await using two = await startTwo('patient');
  const clients = [two.one, two.other].flatMap(({ url }) => [0, 1, 2].map(() => new WsClient(url)));
  await Promise.all(clients.map((client, i) => client.enter(`u${i}`)));
  for (let round = 0; round < 8; round += 1) {
    for (const client of clients) client.say(`r${round}`);
    await new Promise((resolve) => setTimeout(resolve, 130));
  }
  await eventually(async () => {
    for (const client of clients) expect(client.of('message').length).toBe(48);
  });
  for (const client of clients) {
    expectNoHole(client.heard);
    expect(client.said()).toEqual(clients[0]?.said());
  }
  for (const client of clients) client.close();
});

test('a process that is killed takes its users with it, and their names are free', async () => {
  await using two = await startTwo('patient');
  const [ada, bob] = [new WsClient(two.one.url), new WsClient(two.other.url)];
  await ada.enter('ada');
  await bob.enter('bob');
  await ada.hears('joined');
  await two.other.kill('SIGKILL');
  expect(await ada.hears('left')).toMatchObject({ name: 'bob', room: 'lobby' });
  expect(await users(two.one)).toEqual(['ada']);
  const again = new WsClient(two.one.url);
  await again.enter('bob');
  for (const client of [ada, bob, again]) client.close();
});

test('a process that stood still says nothing under a name that is somebody else\u2019s by now', async () => {
  await using two = await startTwo('patient');
  const [ada, bob] = [new WsClient(two.one.url), new WsClient(two.other.url)];
  await ada.enter('ada');
  await bob.enter('bob');
  await ada.hears('joined');
  freezeFamily(two.other.pid);
  await ada.hears('left');
  const again = new WsClient(two.one.url);
  await again.enter('bob');
  bob.say('I stood still');
  process.kill(two.other.pid, 'SIGCONT');
  await bob.ended;
  again.say('me');
  await ada.hears('message');
  expect(ada.said()).toEqual(['bob: me']);
  for (const client of [ada, bob, again]) client.close();
});

test('of two who take one name at the same moment one has it, and all processes say the same', async () => {
  await using two = await startTwo('patient');
  const pairs = Array.from(
    { length: 30 },
    (_, i) => [new WsClient(two.one.url), new WsClient(two.other.url), `race${i}`] as const,
  );
  await Promise.all(pairs.flatMap(([one, other]) => [one.opened, other.opened]));
  for (const [one, other, name] of pairs) {
    one.send({ type: 'hello', name });
    other.send({ type: 'hello', name });
  }
  const decided = (client: WsClient): number => client.of('welcome').length + client.of('error').length;
  await eventually(async () => {
    for (const [one, other] of pairs) expect([decided(one), decided(other)]).toEqual([1, 1]);
  });
  for (const [one, other] of pairs) expect(one.of('welcome').length + other.of('welcome').length).toBe(1);
  const all = async (app: AppProcess): Promise<unknown> =>
    ((await new HttpWire(app.url).call(chat, 'listChatUsers', { pageSize: 100 })).body.users as unknown[]).length;
  await eventually(async () => expect([await all(two.one), await all(two.other)]).toEqual([30, 30]));
  for (const [one, other] of pairs) for (const client of [one, other]) client.close();
  await eventually(async () => expect([await all(two.one), await all(two.other)]).toEqual([0, 0]));
  const late = new TcpClient(two.one.chatPort as number);
  await late.enter('late');
  late.send('/users\n');
  await late.hears('USERS: late');
  late.close();
});
