import { createHmac } from 'node:crypto';
import { request } from 'undici';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import type { SignedMessage } from '../../../src/generated/aerie/events_gateway/v1/events_gateway';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { developmentSecret, eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// Whatever is changed of id, time, body or signature: 401 with one body, on both wires, and nothing is stored.

const second = 'another-secret-of-at-least-32-bytes!';
const whsec = Buffer.from('0123456789abcdef0123456789abcdef');

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  const keys = { HMAC_KEYS: `second:${second},hook:whsec_${whsec.toString('base64')}` };
  app = await openApp(database.url, keys, { fairness: 'off' });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const body = JSON.stringify(eventBody({ playerId: 'signed-player' }));
const reason = 'The signature is missing, wrong or out of its time window';
const refused = { code: 'signature_invalid', body: { message: expect.stringMatching(`^${reason}: `) } };
const now = (): number => Math.floor(Date.now() / 1000);

function flip(text: string, place: number): string {
  return text.slice(0, place) + (text[place] === 'a' ? 'b' : 'a') + text.slice(place + 1);
}

const tampered: [string, (message: SignedMessage) => SignedMessage][] = [
  ['another id', (message) => ({ ...message, id: `${message.id}x` })],
  ['another time', (message) => ({ ...message, timestamp: message.timestamp - 1 })],
  ['a changed body', (message) => ({ ...message, body: Buffer.from(body.replace('10', '11')) })],
  ['a space more in the body', (message) => ({ ...message, body: Buffer.from(`${body} `) })],
  ['another key', (message) => ({ ...message, keyId: 'second' })],
  ['an unknown key', (message) => ({ ...message, keyId: 'third' })],
  ['no signature', (message) => ({ ...message, signatures: [] })],
  ...[0, 31, 63].map((place): [string, (message: SignedMessage) => SignedMessage] => [
    `digit ${place} changed`,
    (message) => ({ ...message, signatures: [flip(message.signatures[0] ?? '', place)] }),
  ]),
  ['only signatures of another version', (message) => ({ ...message, signatures: ['v1a,c2lnbmVk', 'v2,c2lnbmVk'] })],
  ['63 digits', (message) => ({ ...message, signatures: message.signatures.map((one) => one.slice(1)) })],
  ['65 digits', (message) => ({ ...message, signatures: message.signatures.map((one) => `${one}0`) })],
  [
    'digits and more',
    (message) => ({ ...message, signatures: message.signatures.map((one) => `${one.slice(0, 62)}zz`) }),
  ],
  ['five signatures', (message) => ({ ...message, signatures: new Array(5).fill(message.signatures[0]) })],
];

describe.each(['http', 'grpc'] as const)('%s', (wire) => {
  test.each(tampered)('%s is refused', async (name, change) => {
    const message = change(signed(`${wire}-${name.replace(/\W/g, '')}`, body));
    expect(await app[wire].call(gateway, 'ingest', message)).toMatchObject(refused);
  });

  test.each([-301, 301, -86_400, -now()])('a time %d seconds from now is refused, though signed', async (offset) => {
    const message = signed(`${wire}-late`, body, { timestamp: now() + offset });
    expect(await app[wire].call(gateway, 'ingest', message)).toMatchObject(refused);
  });

  test.each([-295, 295])('a time %d seconds from now is accepted', async (offset) => {
    const message = signed(`${wire}-in-time-${offset}`, body, { timestamp: now() + offset });
    expect((await app[wire].call(gateway, 'ingest', message)).code).toBe('ok');
  });

  test('a named key, and whsec_ keys in both spellings', async () => {
    const messages = [
      signed(`${wire}-second`, body, { secret: second, keyId: 'second' }),
      signed(`${wire}-hook`, body, { secret: whsec, keyId: 'hook' }),
      signed(`${wire}-webhook`, body, { secret: whsec, spelling: 'webhook' }),
      signed(`${wire}-webhook-2`, body, { secret: second, spelling: 'webhook' }),
    ];
    for (const message of messages) expect((await app[wire].call(gateway, 'ingest', message)).code).toBe('ok');
  });

  test('base64 that decodes to the right bytes but is written otherwise is refused', async () => {
    const message = signed(`${wire}-base64`, body, { spelling: 'webhook' });
    const text = (message.signatures[0] ?? '').slice(3);
    // The last character before the padding has two bits that decoding ignores.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    const twin = `${text.slice(0, 42)}${alphabet[alphabet.indexOf(text[42] ?? '') + 1]}=`;
    expect(Buffer.from(twin, 'base64').equals(Buffer.from(text, 'base64'))).toBe(true);
    const others = [
      twin,
      text.slice(0, 43),
      text.replaceAll('+', '-').replaceAll('/', '_').slice(0, 43),
      `${text}=`,
      text.toLowerCase(),
    ];
    for (const other of others) {
      expect(await app[wire].call(gateway, 'ingest', { ...message, signatures: [`v1,${other}`] })).toMatchObject(
        refused,
      );
    }
    expect((await app[wire].call(gateway, 'ingest', message)).code).toBe('ok');
  });

  test('a replay inside the window has no second effect', async () => {
    const message = signed(`${wire}-replay`, body);
    expect(await app[wire].call(gateway, 'ingest', message)).toMatchObject({
      code: 'ok',
      replayed: false,
      body: { status: 'accepted' },
    });
    expect(await app[wire].call(gateway, 'ingest', message)).toMatchObject({
      code: 'ok',
      replayed: true,
      body: { status: 'duplicate' },
    });
  });
});

describe('over HTTP only', () => {
  async function post(headers: Record<string, string>): Promise<[number, string]> {
    const answer = await app.http.send('POST', '/events', { 'content-type': 'application/json', ...headers }, body);
    return [answer.status, answer.code];
  }
  const mac = (id: string, t: string): string =>
    createHmac('sha256', developmentSecret).update(`${id}.${t}.${body}`).digest('hex');

  test('the quoted spelling of a key is the same key', async () => {
    const t = String(now());
    expect(await post({ 'idempotency-key': '"quoted"', 'x-signature': `t=${t},v1=${mac('quoted', t)}` })).toEqual([
      202,
      'ok',
    ]);
    expect(await post({ 'idempotency-key': 'quoted', 'x-signature': `t=${t},v1=${mac('quoted', t)}` })).toEqual([
      200,
      'ok',
    ]);
  });

  test.each([
    ['leading zero', (t: string) => `t=0${t}`],
    ['plus sign', (t: string) => `t=+${t}`],
    ['fraction', (t: string) => `t=${t}.0`],
    ['exponent', (t: string) => `t=${t}e0`],
  ])('a time with %s is refused', async (_name, spell) => {
    const t = String(now());
    const spelled = spell(t);
    expect(
      await post({ 'idempotency-key': 'odd', 'x-signature': `${spelled},v1=${mac('odd', spelled.slice(2))}` }),
    ).toEqual([401, 'signature_invalid']);
  });

  test.each(['', 'v1=', 't=1', 'v1=00,t=1', 't=1;v1=00', 'garbage', 't=1,v1=00,v2=00'])(
    'the header %p is refused',
    async (header) => {
      expect(await post({ 'idempotency-key': 'odd', 'x-signature': header })).toEqual([401, 'signature_invalid']);
    },
  );

  test('both spellings at once', async () => {
    const t = String(now());
    const headers = { 'idempotency-key': 'both', 'x-signature': `t=${t},v1=${mac('both', t)}`, 'webhook-id': 'both' };
    expect(await post(headers)).toEqual([400, 'validation_failed']);
  });

  test('an unknown query name is refused', async () => {
    const answer = await request(`${app.url}/events?x=1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect(answer.statusCode).toBe(400);
    await answer.body.dump();
  });
});
