import { features } from '../../../src/features/index';
import type { CallDocs } from '../../../src/shared/contract/call-docs';
import type { Route } from '../../../src/shared/contract/contract';
import { appPages } from '../../../src/shared/openapi/app.pages';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { everyContract } from '../../support/every-contract';
import { passedAll } from '../../support/lag';
import {
  accepts,
  allOf,
  type Document,
  documentOf,
  type Json,
  type Operation,
  operationIn,
  zodOf,
} from '../../support/openapi';
import { eventBody, signed } from '../../support/signed';
import { openApp, type TestApp } from '../../support/wires';
import { askTicketing } from './ticketing';

// The OpenAPI document is made of the schemas that check the requests; here it is held against the server itself.

const pages = [...appPages, ...features.flatMap(({ pages = [] }) => pages)];
const calls = everyContract.flatMap(({ contract, docs }) =>
  Object.entries(contract.routes).map(([method, route]) => ({
    contract,
    method,
    route,
    docs: docs[method] as CallDocs,
  })),
);

let database: TestDatabase;
let app: TestApp;
let document: Document;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url, {}, { fairness: 'off' });
  document = await documentOf(app.url);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function operationOf(route: Route): Operation {
  return operationIn(document, route);
}

function everyOperation(): [string, string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]): [string, string, Operation] => [verb, path, operation]),
  );
}

describe('the document', () => {
  test('is OpenAPI 3.1 with a title, a version, and one operation for each route and page, and no other', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Aerie', version: expect.any(String) } });
    const told = everyOperation().map(([verb, path]) => `${verb.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`);
    const served = [...calls.map(({ route }) => route.http), ...pages.map(({ http }) => http)];
    expect(told.sort()).toEqual(served.sort());
  });

  test('names every operation once, and every tag and reference is declared', () => {
    const ids = everyOperation().map(([, , { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = (document as unknown as { tags: { name: string }[] }).tags.map(({ name }) => name);
    for (const [, , operation] of everyOperation()) expect(tags).toEqual(expect.arrayContaining([...operation.tags]));
    for (const reference of allOf(document, '$ref'))
      expect(document).toHaveProperty(String(reference).replace('#/', '').split('/'));
  });

  test('declares exactly the parameters of each path, all of them required', () => {
    for (const [, path, { parameters }] of everyOperation()) {
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      expect(inPath.map(({ name }) => name)).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
      expect(inPath.every(({ required, schema }) => required && schema !== undefined)).toBe(true);
      const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  test('says who may call, and which errors there are', () => {
    for (const { route } of calls) {
      const { security, responses, summary } = operationOf(route);
      expect([summary.length > 5, security?.length === 0]).toEqual([true, route.access === 'public']);
      for (const { description } of Object.values(responses)) expect(description.length).toBeGreaterThan(1);
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '500', '503', '504']));
      if (route.access !== 'public') expect(responses['401']?.description).toContain('token_invalid');
      for (const [status, { content }] of Object.entries(responses))
        if (Number(status) >= 400)
          expect(content?.['application/json']?.schema).toEqual({ $ref: '#/components/schemas/Error' });
    }
  });

  test('has schemas that can be read as JSON Schema', () => {
    const schemas = [...allOf(document.paths, 'schema'), ...Object.values(document.components.schemas)];
    expect(schemas.length).toBeGreaterThan(20);
    for (const schema of schemas) expect(() => zodOf(document, schema as Json)).not.toThrow();
  });
});

describe.each(calls)('$method', ({ contract, method, route, docs }) => {
  test('its examples fit its schemas, in the code and in the document', () => {
    const asked = (docs.signedBody ?? docs.request.schema).safeParse(docs.example.request);
    expect(asked.error).toBeUndefined();
    expect(docs.answer.parse(docs.example.answer)).toEqual(docs.example.answer);
    const { requestBody, responses } = operationOf(route);
    const sent = requestBody?.content['application/json'];
    if (sent) expect([sent.example, accepts(document, sent.schema, sent.example)]).toEqual([expect.anything(), true]);
    if (docs.status === 204) return;
    const { schema, example } = responses[String(docs.status ?? 200)]?.content?.['application/json'] ?? {};
    expect([example, accepts(document, schema ?? {}, example)]).toEqual([docs.example.answer, true]);
  });

  test('a request that is no such message fits neither', () => {
    const sent = operationOf(route).requestBody?.content['application/json'];
    if (!sent) return;
    expect(accepts(document, sent.schema, { ...(sent.example as Json), surplus: 1 })).toBe(false);
    // Some calls need no more than their path.
    const inPath = Object.entries(docs.example.request).filter(([name]) => route.http.includes(`:${name}`));
    const isEnough = !docs.signedBody && docs.request.schema.safeParse(Object.fromEntries(inPath)).success;
    expect(accepts(document, sent.schema, {})).toBe(isEnough);
  });

  test('the server answers its example as the document says', async () => {
    const spelled = { ...signed('documented', docs.example.request), provider: 'simulator' };
    const message = route.signed ? spelled : docs.example.request;
    const outcome = await app.http.call(contract, method, message);
    const responses = operationOf(route).responses;
    expect(Object.keys(responses)).toContain(String(outcome.status));
    if (outcome.code !== 'ok') expect(responses[String(outcome.status)]?.description).toContain(outcome.code);
  });
});

type Ask = (method: string, message: object, headers?: Record<string, string>) => Promise<Json>;

/** Every call of chat. */
async function askChat(ask: Ask): Promise<void> {
  const { seq } = await ask('postMessage', { name: 'documented', text: 'to be documented', id: 'documented-1' });
  await ask('listMessages', {});
  await ask('reportMessage', { seq, name: 'documented', reason: 'to be documented' });
  await ask('listReports', {});
  await ask('deleteMessage', { seq });
  await ask('muteUser', { name: 'documented', seconds: 60, reason: 'to be documented' });
  await ask('listMutes', {});
  await ask('unmuteUser', { name: 'documented' });
  await ask('listChatUsers', {});
}

/** Every call of auth, of somebody who registers and leaves again. */
async function askAuth(ask: Ask): Promise<void> {
  const who = { email: 'documented@example.com', password: 'correct horse battery staple' };
  await ask('register', { name: 'Documented', ...who });
  const { accessToken, user } = await ask('login', who);
  const headers = { authorization: `Bearer ${accessToken}` };
  const { id: userId } = user as { id: string };
  await ask('setRole', { userId, role: 'player' });
  await ask('getStanding', { userId, tokenId: '01ARZ3NDEKTSV4RRFFQ69G5FAV' });
  await ask('verify', {}, headers);
  await ask('logout', {}, headers);
}

/** Every call of users, of one who is created and deleted. */
async function askUsers(ask: Ask): Promise<void> {
  const { id } = await ask('createUser', { name: 'Documented', email: 'user@example.com', age: 36 });
  await ask('getUser', { id });
  await ask('listUsers', { email: 'user@example.com' });
  await ask('updateUser', { id, name: 'Changed' });
  await ask('deleteUser', { id });
}

/** Every call of fairness, of a player who is blocked for one event and has one flag. */
async function askLeaderboards(ask: Ask, playerId: string): Promise<void> {
  const window = 'weekly';
  await eventually(async () => {
    expect(await ask('getPlayerRank', { playerId, window })).toMatchObject({ rank: 1 });
    expect((await ask('listSnapshots', {})).snapshots).not.toEqual([]);
  });
  await ask('getLeaderboard', { window });
  const { snapshots } = await ask('listSnapshots', {});
  await ask('getSnapshot', { id: (snapshots as { id: string }[])[0]?.id });
  await ask('verifyLeaderboard', { window });
}

async function askFairness(ask: Ask, playerId: string): Promise<void> {
  await ask('listRules', {});
  await ask('updateRule', { id: 'jump', mode: 'enforce' });
  await ask('check', { events: [{ eventId: 'real-3', type: 'boss_kill', playerId, points: 6000 }] });
  await ask('updateRule', { id: 'jump', mode: 'off' });
  expect((await ask('listBlocks', {})).blocks).toHaveLength(1);
  await ask('getPlayer', { playerId });
  const { flags } = await ask('listFlags', { playerId });
  await ask('reviewFlag', { id: (flags as { id: string }[])[0]?.id, verdict: 'dismissed' });
  await ask('blockPlayer', { playerId, seconds: 60, reason: 'to be documented' });
  await ask('unblockPlayer', { playerId });
}

test('real answers are what the document says, property for property', async () => {
  const playerId = 'documented-player';
  const sent = eventBody({ playerId, type: 'boss_kill', payload: { bossId: 'hydra', tier: 1, points: 6000 } });
  const answers = new Map<string, Json>();
  const ask: Ask = async (method, message, headers) => {
    const call = calls.find((each) => each.method === method);
    if (!call) throw new Error(`No ${method}`);
    const outcome = await app.http.call(call.contract, method, message, headers);
    expect([method, outcome.code, outcome.status]).toEqual([method, 'ok', call.docs.status ?? 200]);
    answers.set(method, outcome.body);
    return outcome.body;
  };
  await ask('ingest', signed('real-1', sent));
  await ask('ingestBatch', signed('real', { events: [{ id: 'real-2', ...sent }, { id: 'bad' }] }));
  await passedAll(app);
  await ask('getHead', { consumer: 'progression' });
  await ask('readEvents', { afterSeq: 0 });
  await ask('getProgress', { playerId });
  await ask('listRewards', { playerId });
  const { receipt } = await ask('claimReward', { playerId, rewardId: 'boss-hydra' });
  await ask('verifyReward', { receipt });
  const { id } = await ask('parkEvent', { eventId: 'real-1', consumer: 'progression', reason: 'to be documented' });
  await ask('listDeadLetters', {});
  await ask('settleDeadLetter', { id, outcome: 'failed', reason: 'it was never redriven' });
  await ask('redriveDeadLetter', { id });
  await askFairness(ask, playerId);
  await askLeaderboards(ask, playerId);
  await askUsers(ask);
  await askAuth(ask);
  await askChat(ask);
  await askTicketing(ask, eventually);
  await ask('getProcess', {});
  await ask('listProcesses', {});
  await ask('getStats', {});
  expect([...answers.keys()].sort()).toEqual(calls.map(({ method }) => method).sort());
  for (const { method, docs } of calls) expect(docs.answer.parse(answers.get(method))).toEqual(answers.get(method));
});

const event = eventBody();
const stranger = { playerId: 'nobody-at-all' };
test.each<[string, object, string]>([
  ['ingest', signed('', event), 'idempotency_key_required'],
  ['ingest', { ...signed('told', event), signatures: [] }, 'signature_invalid'],
  ['ingest', signed('told', { ...event, occurredAt: '2001-01-01T00:00:00Z' }), 'occurred_at_out_of_range'],
  ['ingest', signed('told', '{'), 'malformed_json'],
  ['ingest', signed('told', ' '.repeat(17 * 1024)), 'body_too_large'],
  ['ingestBatch', { ...signed('told', event), signatures: [] }, 'signature_invalid'],
  ['parkEvent', { eventId: 'nobody', consumer: 'progression', reason: 'x' }, 'event_not_found'],
  ['listDeadLetters', { pageToken: 'x' }, 'page_token_invalid'],
  ['redriveDeadLetter', { id: '01KAJ0000000000000000000AA' }, 'dead_letter_not_found'],
  ['listBlocks', { pageToken: 'x' }, 'page_token_invalid'],
  ['getUser', { id: '01KAJ0000000000000000000AA' }, 'user_not_found'],
  ['deleteUser', { id: '01KAJ0000000000000000000AA' }, 'user_not_found'],
  ['updateUser', { id: '01KAJ0000000000000000000AA', age: 1 }, 'user_not_found'],
  ['listUsers', { pageToken: 'x' }, 'page_token_invalid'],
  ['login', { email: 'nobody@example.com', password: 'wrong horse' }, 'credentials_invalid'],
  ['listFlags', { pageToken: 'x' }, 'page_token_invalid'],
  ['reviewFlag', { id: '01KAJ0000000000000000000AA', verdict: 'dismissed' }, 'flag_not_found'],
  ['updateRule', { id: 'nobody', mode: 'off' }, 'rule_not_found'],
  ['updateRule', { id: 'flood', mode: 'off', expectedVersion: 1_000_000 }, 'version_mismatch'],
  ['deleteMessage', { seq: 1, room: 'nowhere' }, 'message_not_found'],
  ['listReports', { pageToken: 'x' }, 'page_token_invalid'],
  ['getProgress', stranger, 'player_not_found'],
  ['listRewards', { ...stranger, pageToken: 'x' }, 'page_token_invalid'],
  ['claimReward', { ...stranger, rewardId: 'boss-x' }, 'reward_not_found'],
])('%s: what is wrong with %j is told as %s in the document', async (method, message, code) => {
  const call = calls.find((each) => each.method === method);
  if (!call) throw new Error(`No ${method}`);
  const outcome = await app.http.call(call.contract, method, message);
  expect(outcome.code).toBe(code);
  expect(operationOf(call.route).responses[String(outcome.status)]?.description.split(' | ')).toContain(code);
});

test('what is answered 200 when it comes again says so', async () => {
  const body = eventBody();
  for (const [method, message] of [
    ['ingest', signed('again', body)],
    ['claimReward', { playerId: 'documented-player', rewardId: 'boss-hydra' }],
  ] as const) {
    const call = calls.find((each) => each.method === method);
    if (!call) throw new Error(`No ${method}`);
    await app.http.call(call.contract, method, message);
    expect(await app.http.call(call.contract, method, message)).toMatchObject({ status: 200, replayed: true });
    expect(operationOf(call.route).responses).toHaveProperty('200');
  }
});
