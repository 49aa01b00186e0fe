import { createHmac } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { makeKeyFile } from '../../support/keys';
import { developmentSecret, eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';

// Signature headers as the libraries of other languages write them. Strict stay the signed bytes, the window and the spelling
// of each signature of ours; how the elements are laid out does not matter.

let database: TestDatabase;
let app: TestApp;
let staging: TestApp;
let folder: string;

beforeAll(async () => {
  const [sqlite] = everyDatabase;
  if (!sqlite) throw new Error('There is no database');
  database = await sqlite.create();
  app = await openApp(database.url, {}, { fairness: 'off' });
  folder = await mkdtemp(join(tmpdir(), 'aerie-signatures-'));
  staging = await openApp(`sqlite:${join(folder, 'staging.db')}`, {
    ENVIRONMENT: 'staging',
    HMAC_SECRET: developmentSecret.replace('development', 'staging-and-no'),
    RECEIPT_KEYS: 'one:receipts-of-staging-that-are-long-enough',
    GRANT_KEYS: 'one:grants-of-staging-that-are-long-enough-x',
    WEBHOOK_SECRET: 'webhooks-of-staging-that-are-long-enough',
    ALLOWED_ORIGINS: 'https://studio.example',
    INTERNAL_API_SECRET: 'the-internal-secret-of-staging-is-this',
    JWT_PRIVATE_KEY_FILE: await makeKeyFile(folder, 'jwt'),
  });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await staging[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const body = JSON.stringify(eventBody({ playerId: 'header-player' }));
const now = (): string => String(Math.floor(Date.now() / 1000));
let made = 0;
function newId(): string {
  made += 1;
  return `header-${made}`;
}
const macOf = (id: string, t: string, secret: string | Buffer = developmentSecret) =>
  createHmac('sha256', secret).update(`${id}.${t}.${body}`);

async function post(headers: Record<string, string | string[]>): Promise<[number, string]> {
  const sent = { 'content-type': 'application/json', ...headers } as Record<string, string>;
  const answer = await app.http.send('POST', '/events', sent, body);
  return [answer.status, answer.code];
}

const other = '0'.repeat(64);
const spellings: [string, (t: string, hex: string) => string | string[]][] = [
  ['as we write it', (t, hex) => `t=${t},v1=${hex}`],
  ['in upper case', (t, hex) => `t=${t},v1=${hex.toUpperCase()}`],
  ['in the other order', (t, hex) => `v1=${hex},t=${t}`],
  ['with the key between', (t, hex) => `v1=${hex},kid=default,t=${t}`],
  ['with spaces', (t, hex) => `t=${t}, v1=${hex}`],
  ['with spaces around everything', (t, hex) => ` t = ${t} , v1 = ${hex} `],
  ['with names in upper case', (t, hex) => `T=${t},V1=${hex}`],
  ['with a version before ours', (t, hex) => `t=${t},v0=${other},v1=${hex}`],
  ['with a version after ours', (t, hex) => `t=${t},v1=${hex},v2=anything=at=all`],
  ['with an element that nobody knows', (t, hex) => `t=${t},nonce=abc,v1=${hex},flag`],
  ['with empty elements', (t, hex) => `,t=${t},,v1=${hex},`],
  ['beside one of another key', (t, hex) => `t=${t},v1=${other},v1=${hex}`],
  ['beside one that is none', (t, hex) => `t=${t},v1=,v1=abc,v1=${hex}`],
  ['with the time twice', (t, hex) => `t=${t},t=${t},v1=${hex}`],
  ['in two header lines', (t, hex) => [`t=${t}`, `v1=${hex}`]],
];

test.each(spellings)('X-Signature %s is accepted', async (_name, spell) => {
  const [id, t] = [newId(), now()];
  const hex = macOf(id, t).digest('hex');
  expect(await post({ 'idempotency-key': id, 'x-signature': spell(t, hex) })).toEqual([202, 'ok']);
});

test.each<[string, (t: string, hex: string) => string]>([
  ['two times', (t, hex) => `t=${t},t=1,v1=${hex}`],
  ['two keys', (t, hex) => `t=${t},kid=default,kid=second,v1=${hex}`],
  ['the signature under another version', (t, hex) => `t=${t},v2=${hex}`],
  ['quotes', (t, hex) => `t=${t},v1="${hex}"`],
  ['semicolons', (t, hex) => `t=${t};v1=${hex}`],
  ['the prefix of another header', (t, hex) => `t=${t},sha256=${hex}`],
  ['a space in the digits', (t, hex) => `t=${t},v1=${hex.slice(0, 32)} ${hex.slice(32)}`],
  ['five of ours', (t, hex) => `t=${t}${`,v1=${hex}`.repeat(5)}`],
  ['a time of another number system', (t, hex) => `t=0x${Number(t).toString(16)},v1=${hex}`],
])('X-Signature with %s is refused', async (_name, spell) => {
  const [id, t] = [newId(), now()];
  const header = spell(t, macOf(id, t).digest('hex'));
  expect(await post({ 'idempotency-key': id, 'x-signature': header })).toEqual([401, 'signature_invalid']);
});

const webhooks: [string, (base64: string) => string | string[]][] = [
  ['alone', (base64) => `v1,${base64}`],
  ['before a version that is not ours', (base64) => `v1,${base64} v1a,${base64}`],
  ['after versions that are not ours', (base64) => `v1a,c2ln v2,c2ln v1,${base64}`],
  ['between more space', (base64) => `  v1a,c2ln \t v1,${base64}  `],
  ['in two header lines', (base64) => ['v1a,c2ln', `v1,${base64}`]],
  ['beside one that is none', (base64) => `v1,AAAA v1,${base64}`],
  ['beside what is empty or no signature', (base64) => `v1, junk v1,${base64}`],
];

describe.each(['webhook', 'svix'])('%s-signature', (prefix) => {
  test.each(webhooks)('%s is accepted', async (_name, spell) => {
    const [id, t] = [newId(), now()];
    const signature = spell(macOf(id, t).digest('base64'));
    const headers = { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: t, [`${prefix}-signature`]: signature };
    expect(await post(headers)).toEqual([202, 'ok']);
  });

  test('of other versions alone is refused, and so is base64 that is not canonical', async () => {
    const [id, t] = [newId(), now()];
    const base64 = macOf(id, t).digest('base64');
    for (const signature of [`v1a,${base64}`, `v2,${base64}`, base64, `v1,${base64.slice(0, 43)}`, `V1,${base64}`]) {
      const headers = { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: t, [`${prefix}-signature`]: signature };
      expect(await post(headers)).toEqual([401, 'signature_invalid']);
    }
  });
});

test('either case of hexadecimal, and versions beside ours, over gRPC, too', async () => {
  const upper = signed(newId(), body);
  const beside = signed(newId(), body, { spelling: 'webhook' });
  for (const message of [
    { ...upper, signatures: upper.signatures.map((one) => one.toUpperCase()) },
    { ...beside, signatures: ['v1a,c2ln', ...beside.signatures, 'v9,x'] },
  ])
    expect((await app.grpc.call(gateway, 'ingest', message)).code).toBe('ok');
});

test('in development a 401 says which part did not match, elsewhere it never does', async () => {
  const [id, t] = [newId(), now()];
  const late = String(Number(t) - 900);
  const cases: [Record<string, string>, RegExp][] = [
    [{}, /there is no v1 signature/],
    [{ 'x-signature': `v1=${other}` }, /the time t is missing/],
    [{ 'x-signature': `t=${t},kid=nobody,v1=${other}` }, /no key has the id nobody/],
    [
      { 'x-signature': `t=${t},v1=${other}` },
      new RegExp(`with the id ${id}, t ${t} and a body of ${body.length} bytes`),
    ],
    [{ 'x-signature': `t=${late},v1=${macOf(id, late).digest('hex')}` }, /t is \d+ s behind this clock/],
  ];
  const json = { 'content-type': 'application/json', 'idempotency-key': id };
  for (const [headers, reason] of cases) {
    const told = await app.http.send('POST', '/events', { ...json, ...headers }, body);
    expect([told.status, told.body.message]).toEqual([401, expect.stringMatching(reason)]);
    const silent = await staging.http.send('POST', '/events', { ...json, ...headers }, body);
    expect(silent.body).toEqual({ message: 'The signature is missing, wrong or out of its time window' });
  }
});
