import { Metadata } from '@grpc/grpc-js';
import { DataSource } from 'typeorm';
import { eventsGatewayContract as gateway } from '../../src/features/events-gateway/events-gateway.api';
import type { IngestBatchResponse, SignedMessage } from '../../src/generated/aerie/events_gateway/v1/events_gateway';
import { everyServer } from '../support/databases';
import { eventBody, signed } from '../support/signed';
import { type SilentProxy, startSilentProxy } from '../support/silent-proxy';
import { openApp, type TestApp } from '../support/wires';

// Accepted means durable: no answer, on any way in, before the database has answered the COMMIT.

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

type Way = (app: TestApp, id: string) => Promise<string>;

const batchOf = (id: string): SignedMessage => signed(`batch-${id}`, { events: [{ id, ...eventBody() }] });

async function batch(app: TestApp, wire: 'http' | 'grpc', id: string): Promise<string> {
  const { body } = await app[wire].call(gateway, 'ingestBatch', batchOf(id));
  return String((body as unknown as IngestBatchResponse).results[0]?.status);
}

async function single(app: TestApp, wire: 'http' | 'grpc', id: string): Promise<string> {
  return String((await app[wire].call(gateway, 'ingest', signed(id, eventBody()))).body.status);
}

function stream(app: TestApp, id: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = app.grpc.method(gateway, 'ingestStream');
  const call = app.grpc.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
  return new Promise((resolve, reject) => {
    call.on('error', reject).on('data', (answer: IngestBatchResponse) => resolve(String(answer.results[0]?.status)));
    call.write(batchOf(id));
    call.end();
  });
}

// PostgreSQL is sent the text of a statement once, and each time an array for each column; to look ids up it is sent one.
const appending = (id: string): RegExp => new RegExp(`INSERT INTO game_events|\\{"${id}"[^]*\\{"`);

const ways: [string, Way][] = [
  ['POST /events', (app, id) => single(app, 'http', id)],
  ['Ingest', (app, id) => single(app, 'grpc', id)],
  ['POST /events/batch', (app, id) => batch(app, 'http', id)],
  ['IngestBatch', (app, id) => batch(app, 'grpc', id)],
  ['IngestStream', stream],
];

describe.each(everyServer)('$name', ({ name, create }) => {
  let proxy: SilentProxy;
  let source: DataSource;
  let app: TestApp;
  const cleanup: (() => PromiseLike<unknown>)[] = [];

  beforeAll(async () => {
    const database = await create();
    const url = new URL(database.url);
    proxy = await startSilentProxy(Number(url.port));
    source = await new DataSource({ type: name as 'postgres' | 'mysql', url: database.url }).initialize();
    url.port = String(proxy.port);
    // Alone: no consumer commits anything meanwhile.
    app = await openApp(url.href, { MODULES: 'events-gateway,fairness' }, { fairness: 'off' });
    cleanup.push(
      () => app[Symbol.asyncDispose](),
      () => proxy[Symbol.asyncDispose](),
      () => source.destroy(),
      () => database[Symbol.asyncDispose](),
    );
  });
  afterAll(async () => {
    for (const close of cleanup) await close();
  });

  const rows = async (id: string): Promise<number> =>
    ((await source.query(`SELECT seq FROM game_events WHERE id = '${id}'`)) as unknown[]).length;

  test.each(ways)('%s answers after the COMMIT, not before', async (_name, send) => {
    const id = `durable-${ways.findIndex(([, way]) => way === send)}`;
    expect(await send(app, `${id}-warm`)).toBe('accepted');
    const commit = proxy.holdNext(appending(id));
    let answered: string | undefined;
    const sent = send(app, id).then((status) => {
      answered = status;
    });
    await commit.held;
    await sleep(300);
    expect([answered, await rows(id)]).toEqual([undefined, 0]);
    commit.release();
    await sent;
    expect([answered, await rows(id)]).toEqual(['accepted', 1]);
  });

  test('an answer of the database that is lost: what was stored is told as accepted, and is there once', async () => {
    const id = 'unheard';
    const body = eventBody();
    proxy.loseNext(appending(id));
    const { status, body: told } = await app.http.call(gateway, 'ingest', signed(id, body));
    expect([status, told.status]).toEqual([202, 'accepted']);
    expect((await app.http.call(gateway, 'ingest', signed(id, body))).body.status).toBe('duplicate');
    expect(await rows(id)).toBe(1);
  });

  test('a statement that outlives its connection is waited for: what is told is what there is', async () => {
    const id = 'outlived';
    const runner = source.createQueryRunner();
    await runner.startTransaction();
    await runner.query('SELECT last_seq FROM events_log WHERE id = 1 FOR UPDATE');
    proxy.cutNext(appending(id));
    let answered: number | undefined;
    const sent = app.http.call(gateway, 'ingest', signed(id, eventBody())).then(({ status }) => {
      answered = status;
    });
    await sleep(500);
    expect(answered).toBeUndefined();
    await runner.commitTransaction();
    await runner.release();
    await sent;
    expect([answered, await rows(id)]).toEqual([202, 1]);
  });

  test('an event sent again waits for the first COMMIT and is a duplicate then', async () => {
    const commit = proxy.holdNext(appending('twice'));
    const body = eventBody();
    const first = app.http.call(gateway, 'ingest', signed('twice', body));
    await commit.held;
    let again: string | undefined;
    const second = app.grpc.call(gateway, 'ingest', signed('twice', body)).then((outcome) => {
      again = String(outcome.body.status);
    });
    await sleep(300);
    expect(again).toBeUndefined();
    commit.release();
    expect((await first).body.status).toBe('accepted');
    await second;
    expect([again, await rows('twice')]).toEqual(['duplicate', 1]);
  });
});
