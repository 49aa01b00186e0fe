import { type ClientDuplexStream, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import type { IngestBatchResponse, SignedMessage } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import { fromGrpcError } from '../../../src/shared/contract/grpc.status';
import { startApp } from '../../support/app';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { passedAll } from '../../support/lag';
import { eventBody, signed } from '../../support/signed';
import { UnreadCall } from '../../support/unread-call';
import { GrpcWire, HttpWire, openApp, type TestApp } from '../../support/wires';

// IngestStream: answers in order, bad messages in their place, no more unread than the server can hold.

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One stream. It may send bytes that are no message at all. */
class Stream {
  readonly answers: IngestBatchResponse[] = [];
  readonly call: ClientDuplexStream<Buffer, IngestBatchResponse>;
  /** The error that ended it; undefined when it ended well. */
  readonly ended: Promise<ServiceError | undefined>;
  private readonly encode: (message: object) => Buffer;

  constructor(wire: GrpcWire) {
    const { path, requestSerialize, responseDeserialize } = wire.method(gateway, 'ingestStream');
    this.encode = requestSerialize;
    const identity = (bytes: Buffer): Buffer => bytes;
    const decode = responseDeserialize as (bytes: Buffer) => IngestBatchResponse;
    this.call = wire.client.makeBidiStreamRequest(path, identity, decode, new Metadata());
    this.ended = new Promise((resolve) => {
      this.call.on('error', resolve).on('end', () => resolve(undefined));
    });
    this.call.on('data', (answer: IngestBatchResponse) => this.answers.push(answer));
  }

  send(message: SignedMessage | Buffer): boolean {
    return this.call.write(Buffer.isBuffer(message) ? message : this.encode(message));
  }
}

function event(id: string, playerId: string, deltaXp = 1) {
  return { id, ...eventBody({ playerId, payload: { deltaXp } }) };
}

const batch = (id: string, events: object[]) => signed(id, { events });
const idsOf = ({ results }: IngestBatchResponse) => results.map(({ eventId }) => eventId);
const toldOf = ({ results, error }: IngestBatchResponse) =>
  error?.code ?? results.map((result) => result.status).join();

describe('a stream', () => {
  let database: TestDatabase;
  let app: TestApp;

  beforeAll(async () => {
    database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    app = await openApp(database.url, {}, { fairness: 'off' });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const settled = (): Promise<void> => passedAll(app, ['progression']);

  test('answers 500 messages of all sizes in the order in which they came', async () => {
    const stream = new Stream(app.grpc);
    const sent = Array.from({ length: 500 }, (_, i) =>
      Array.from({ length: 1 + ((i * 7) % 40) }, (_unused, k) => `order-${i}-${k}`),
    );
    for (const [i, ids] of sent.entries())
      stream.send(
        batch(
          `order-${i}`,
          ids.map((id) => event(id, 'in-order')),
        ),
      );
    stream.call.end();
    expect(await stream.ended).toBeUndefined();
    expect(stream.answers.map(idsOf)).toEqual(sent);
    expect(new Set(stream.answers.map(toldOf).join().split(','))).toEqual(new Set(['accepted']));
  });

  test('a bad message is answered in its place and the stream goes on', async () => {
    const stream = new Stream(app.grpc);
    const one = (id: string) => batch(`bad-${id}`, [event(`bad-${id}`, 'undaunted')]);
    const bad: [SignedMessage | Buffer, string][] = [
      [{ ...one('x'), signatures: ['0'.repeat(64)] }, 'signature_invalid'],
      [{ ...one('x'), signatures: [] }, 'signature_invalid'],
      [signed('bad-json', '{"events":['), 'malformed_json'],
      [Buffer.from([0xff, 0xff, 0xff]), 'validation_failed'],
      [Buffer.alloc(0), 'idempotency_key_required'],
      [batch('bad-none', []), 'validation_failed'],
      [batch('bad-large', [event('y'.repeat(257 * 1024), 'undaunted')]), 'body_too_large'],
      [{ ...one('x'), id: 'with\nbreak' }, 'validation_failed'],
    ];
    for (const [i, [message]] of bad.entries()) {
      stream.send(message);
      stream.send(one(String(i)));
    }
    stream.call.end();
    expect(await stream.ended).toBeUndefined();
    expect(stream.answers.map(toldOf)).toEqual(bad.flatMap(([, code]) => [code, 'accepted']));
    expect(stream.answers.filter(({ error }) => error && error.message === '')).toEqual([]);
  });

  test('counts in the journal like any other way in', async () => {
    const playerId = 'every-way';
    const ids = Array.from({ length: 30 }, (_, i) => `way-${i}`);
    const { id: _id, ...single } = event('', playerId, 7);
    // One body for all: another occurredAt would be another event.
    const all = ids.map((id) => ({ id, ...single }));
    for (const id of ids.slice(0, 10))
      expect((await app.http.call(gateway, 'ingest', signed(id, single))).body.status).toBe('accepted');
    const stream = new Stream(app.grpc);
    stream.send(batch('way', all));
    stream.send(batch('way-again', [...all, { ...all[0], payload: { deltaXp: 8 } }]));
    stream.call.end();
    expect(await stream.ended).toBeUndefined();
    const [first, second] = stream.answers.map(({ results }) => results.map((one) => one.error?.code ?? one.status));
    expect(first).toEqual(ids.map((_unused, i) => (i < 10 ? 'duplicate' : 'accepted')));
    expect(second).toEqual([...ids.map(() => 'duplicate'), 'idempotency_key_reused']);
    expect((await app.grpc.call(gateway, 'ingest', signed('way-29', single))).body.status).toBe('duplicate');
    await settled();
    expect((await app.http.call(progression, 'getProgress', { playerId })).body).toMatchObject({ xp: 30 * 7 });
  });
});

describe('a client that does not read', () => {
  const messages = 300;
  const each = 20;
  const longId = (i: number, k: number) => `${i}-${k}-`.padEnd(128, 'x');

  test('makes the server stop reading; once it reads, every message is answered in order', async () => {
    await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
    // Numbers have no gaps here, so the last one is how many were accepted.
    await using app = await openApp(database.url, { MODULES: 'events-gateway,fairness' }, { fairness: 'off' });
    const accepted = async () => Number((await app.http.call(gateway, 'getHead', {})).body.seq);
    const { path, requestSerialize, responseDeserialize } = app.grpc.method(gateway, 'ingestStream');
    const call = new UnreadCall(app.grpcAddress, path);
    for (let i = 0; i < messages; i++) {
      const events = Array.from({ length: each }, (_, k) => event(longId(i, k), 'slow-reader'));
      call.send(requestSerialize(batch(`slow-${i}`, events)));
    }
    call.end();
    let before = -1;
    for (let now = await accepted(); now !== before || now === 0; now = await accepted()) {
      before = now;
      await sleep(400);
    }
    // Unread answers fill 64 KiB of HTTP/2 window and the stream's own buffer; no more messages are taken then.
    expect(before).toBeLessThan((messages * each) / 2);
    expect(call.unsent).toBeGreaterThan(0);
    call.read();
    expect(await call.ended).toBe(status.OK);
    const answers = call.answers.map((bytes) => responseDeserialize(bytes) as IngestBatchResponse);
    expect(answers.map((answer) => idsOf(answer)[0])).toEqual(Array.from({ length: messages }, (_, i) => longId(i, 0)));
    expect(await accepted()).toBe(messages * each);
    call.close();
  });
});

test('SIGTERM: what was read is answered, then the stream ends as unavailable and nothing is counted twice', async () => {
  // Time enough for what is asked while it drains, also where all of this machine stands still for a second.
  await using app = await startApp({ env: { SHUTDOWN_DRAIN_MS: '6000' } });
  const wire = new GrpcWire(app.grpcUrl.slice('grpc://'.length));
  const stream = new Stream(wire);
  stream.send(batch('before', [event('before', 'stayer')]));
  await eventually(async () => expect(stream.answers).toHaveLength(1));
  for (let i = 0; i < 6; i++) stream.send(batch(`during-${i}`, [event(`during-${i}`, 'stayer')]));
  // It comes after them on the same connection.
  expect((await wire.call(gateway, 'getHead', {})).code).toBe('ok');
  const exit = app.stop();
  const error = await stream.ended;
  expect(error).toMatchObject({ code: status.UNAVAILABLE });
  expect(error && fromGrpcError(error)).toMatchObject({ code: 'unavailable' });
  expect(stream.answers.map(idsOf)).toEqual([['before'], ...Array.from({ length: 6 }, (_, i) => [`during-${i}`])]);
  expect(new Set(stream.answers.map(toldOf))).toEqual(new Set(['accepted']));
  // While it drains, other calls are still served, and a new stream is turned away at once.
  const late = new Stream(wire);
  expect(await late.ended).toMatchObject({ code: status.UNAVAILABLE });
  const http = new HttpWire(app.url);
  expect((await http.call(gateway, 'ingest', signed('during-3', eventBody({ playerId: 'stayer' })))).status).not.toBe(
    202,
  );
  wire.close();
  expect(await exit).toBe(0);
});
