import { everyDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import {
  dashboardAt,
  expectAnswered,
  expectComplete,
  expectWellMade,
  type Samples,
  samplesOf,
  targetsOf,
} from '../../support/grafana';
import { startRedis } from '../../support/redis';
import { openApp } from '../../support/wires';
import { GrpcClient, TcpClient, WsClient } from './clients';

// docker/grafana/chat.json asks for what the application really tells: a panel whose metric or label is misspelled is empty,
// and nobody sees why.

/** A short conversation on three wires; answers /metrics after it. */
async function afterConversation(): Promise<Samples> {
  await using redis = await startRedis();
  await using database = await everyDatabase[0]!.create();
  await using app = await openApp(database.url, { CHAT_PORT: '0', REDIS_URL: redis.url });
  const clients = [new TcpClient(app.ports.chat as number), new WsClient(app.url), new GrpcClient(app.grpcAddress)];
  try {
    for (const [i, client] of clients.entries()) await client.enter(`user${i}`);
    for (const client of clients) client.say('hello');
    for (const client of clients) await eventually(async () => expect(client.said()).toHaveLength(3));
    const [leaving] = clients as [TcpClient];
    leaving.send('/exit\n');
    await leaving.ended;
    return samplesOf(await (await fetch(`${app.url}/metrics`)).text());
  } finally {
    for (const client of clients) client.close();
  }
}

const dashboard = dashboardAt('chat.json');
let samples: Samples;

beforeAll(async () => {
  samples = await afterConversation();
});

test.each(targetsOf(dashboard))('$title, $refId: $expr', (target) => expectAnswered(target, samples));

test('no metric of chat is left out', () => expectComplete(dashboard, samples, /^chat_/));

test('each panel has a title, words and a unit, on a place of its own', () => {
  expect(dashboard).toMatchObject({ title: 'Aerie: chat', uid: 'aerie-chat' });
  expectWellMade(dashboard, samples);
});
