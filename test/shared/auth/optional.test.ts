import { Controller, Get } from '@nestjs/common';
import { request } from 'undici';
import { features } from '../../../src/features/index';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { ProgressionService } from '../../../src/features/progression/progression.service';
import { currentCaller } from '../../../src/shared/auth/caller';
import type { Route } from '../../../src/shared/contract/contract';
import type { Feature } from '../../../src/shared/contract/feature';
import type { Page } from '../../../src/shared/contract/page';
import type { Caller } from '../../../src/shared/tracing/request-context';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { documentOf, operationIn } from '../../support/openapi';
import { internalSecret, openDoor, ways } from '../../support/placements';
import { type Player, register } from '../../support/players';
import { openApp, type TestApp } from '../../support/wires';

// A call, and a page, for which credentials are optional: who has some is known by them, and nobody passes with wrong ones.

const secret = { authorization: `Bearer ${internalSecret}` };
const strict = { AUTH_REQUIRED: 'true', INTERNAL_API_SECRET: internalSecret };

@Controller()
class WhoController {
  @Get('who')
  who(): Caller {
    return currentCaller();
  }
}

const whoPage: Pick<Page, 'http' | 'operationId' | 'service' | 'summary' | 'answers'> = {
  http: 'GET /who',
  operationId: 'who',
  service: 'progression',
  summary: 'Who calls',
  answers: {},
};

/** Makes a public call of progression optional, and gives it a page. */
function plant(): void {
  const route = progression.routes.verifyReward as { access: Route['access'] };
  route.access = 'optional';
  const feature = features.find(({ contract }) => contract === progression) as {
    -readonly [K in keyof Feature]: Feature[K];
  };
  feature.pages = [{ ...whoPage, access: 'optional' }];
  feature.doors = { ...feature.doors, controllers: [...feature.doors.controllers, WhoController] };
}

let database: TestDatabase;
let here: TestApp;
let player: Player;
let seen: Caller[];

plant();
beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  here = await openApp(database.url, strict);
  player = await register(here, 'optional@example.com');
});
afterAll(async () => {
  await here[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});
beforeEach(() => {
  seen = [];
  jest.spyOn(ProgressionService.prototype, 'verifyReward').mockImplementation(async () => {
    seen.push(currentCaller());
    return { valid: false } as never;
  });
});
afterEach(() => jest.restoreAllMocks());

type Asked = readonly [code: string, caller: Caller | undefined];

async function call(app: TestApp, wire: 'http' | 'grpc', headers: Record<string, string>): Promise<Asked> {
  const { code } = await app[wire].call(progression, 'verifyReward', { receipt: 'x' }, headers);
  return [code, seen.pop()];
}

async function page(app: TestApp, headers: Record<string, string>): Promise<Asked> {
  const answer = await request(`${app.url}/who`, { headers });
  const body = (await answer.body.json()) as { code: string };
  return answer.statusCode === 200 ? ['ok', body as never] : [body.code, undefined];
}

const ofPlayer = () => ({
  kind: 'player',
  id: player.id,
  token: { jti: expect.any(String), expiresAt: expect.any(Number) },
});
const said = { ...secret, 'x-aerie-subject': 'p-1' };

describe.each<[string, (app: TestApp, headers: Record<string, string>) => Promise<Asked>]>([
  ['a call over HTTP', (app, headers) => call(app, 'http', headers)],
  ['a call over gRPC', (app, headers) => call(app, 'grpc', headers)],
  ['a page', page],
])('%s', (_name, ask) => {
  test('nobody in particular is anonymous, from anywhere', async () => {
    expect(await ask(here, {})).toEqual(['ok', { kind: 'anonymous' }]);
    expect(await ask(here, { 'x-forwarded-for': '192.0.2.1' })).toEqual(['ok', { kind: 'anonymous' }]);
  });

  test('who presents credentials is known by them', async () => {
    expect(await ask(here, player.headers)).toEqual(['ok', ofPlayer()]);
    expect(await ask(here, secret)).toEqual(['ok', { kind: 'internal' }]);
    expect(await ask(here, said)).toEqual(['ok', { kind: 'player', id: 'p-1' }]);
    expect(await ask(here, { ...secret, 'x-aerie-subject': 'anonymous' })).toEqual(['ok', { kind: 'anonymous' }]);
  });

  test.each<[Record<string, string>, string]>([
    [{ authorization: 'Bearer wrong' }, 'token_invalid'],
    [{ authorization: 'Bearer a.b.c' }, 'token_invalid'],
    [{ authorization: 'Basic YTpi' }, 'token_invalid'],
    [{ authorization: '' }, 'token_invalid'],
    [{ 'x-aerie-subject': 'p-1' }, 'token_invalid'],
    [{ authorization: 'Bearer wrong', 'x-aerie-subject': 'anonymous' }, 'secret_unknown'],
  ])('%j is wrong, and refused', async (headers, code) => {
    expect(await ask(here, headers)).toEqual([code, undefined]);
  });

  test('in development the developer is known, near enough', async () => {
    await using near = await openApp(database.url);
    expect(await ask(near, {})).toEqual(['ok', { kind: 'developer' }]);
    expect(await ask(near, { 'x-forwarded-for': '192.0.2.1' })).toEqual(['ok', { kind: 'anonymous' }]);
  });
});

test.each(ways)('through another process over $name the caller is the same', async ({ address }) => {
  await using door = await openDoor(address(here), { AUTH_REQUIRED: 'true' });
  for (const wire of ['http', 'grpc'] as const) {
    expect(await call(door, wire, {})).toEqual(['ok', { kind: 'anonymous' }]);
    expect(await call(door, wire, player.headers)).toEqual(['ok', ofPlayer()]);
    expect(await call(door, wire, { authorization: 'Bearer wrong' })).toEqual(['token_invalid', undefined]);
  }
});

test('the document says so', async () => {
  const document = await documentOf(here.url);
  for (const http of ['POST /rewards/verify', 'GET /who'] as const) {
    const { security, responses } = operationIn(document, { http });
    expect(security).toEqual([{}, { token: [] }, { internal: [] }]);
    expect([responses[401]?.description, responses[403]]).toEqual(['token_invalid | secret_unknown', undefined]);
  }
});
