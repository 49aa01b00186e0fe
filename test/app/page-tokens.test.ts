import { features } from '../../src/features/index';
import { leaderboardContract as leaderboard } from '../../src/features/leaderboard/leaderboard.api';
import { reservationsContract as reservations } from '../../src/features/reservations/reservations.api';
import type { Snapshot } from '../../src/generated/aerie/leaderboard/v1/leaderboard';
import type { AnyContract } from '../../src/shared/contract/contract';
import { ListTokens, type Position } from '../../src/shared/contract/page-token';
import { counted, play } from '../features/leaderboard/play';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { eventually } from '../support/eventually';
import { openApp, type TestApp } from '../support/wires';

// A page token is a caller's text, whoever has signed it: a position that no row has is 400, and reaches no database.

interface List {
  readonly contract: AnyContract;
  readonly method: string;
  readonly request: Record<string, unknown>;
}

const lists: List[] = features.flatMap(({ contract, docs }) =>
  Object.entries(docs)
    .filter(([, { answer }]) => 'nextPageToken' in ((answer as { shape?: object } | undefined)?.shape ?? {}))
    .map(([method, { example }]) => ({ contract, method, request: { ...(example.request as object) } })),
);

const saleId = 'listed-sale';
const hostileNumbers = [-5, 0, -1, 1.5, 2 ** 53, -(2 ** 53), 1e300, 5e-324, '1', ''];
const hostileTexts = ['', '\0', 'a\0b', '\ud800', 'a b', '.', '\ufffd', 'é', "' OR 1=1 --", 'x'.repeat(129), 7, -5];

/** Positions like an honest one, with one thing wrong. A time may be 0. */
function* hostile(honest: Position): Generator<Position> {
  for (const [place, item] of honest.entries())
    for (const wrong of typeof item === 'number' ? hostileNumbers : hostileTexts)
      if (!(place === 1 && wrong === 0)) yield honest.with(place, wrong);
  yield [];
  yield honest.slice(0, -1);
  yield [...honest, 1];
  yield [...honest].reverse().concat('x');
}

test('these are the lists that there are', () => {
  expect(lists.map(({ method }) => method).sort()).toEqual([
    ...['getAvailability', 'getDraw', 'getLeaderboard', 'getSnapshot', 'listBlocks', 'listChatUsers'],
    ...['listDeadLetters', 'listFlags', 'listMutes', 'listPayments', 'listReports', 'listReservations'],
    ...['listRewards', 'listSales', 'listSnapshots', 'listUsers'],
  ]);
});

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  let snapshot: Snapshot;

  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, { SNAPSHOT_INTERVAL: '10s' });
    const occurredAt = new Date().toISOString();
    await play(
      app,
      ['one', 'two', 'three'].map((playerId, i) => ({ playerId, points: i + 5, occurredAt })),
    );
    const sections = [{ sectionId: 'seats', price: 0, seats: ['A1', 'A2'] }];
    const sale = { saleId, title: 'A sale', currency: 'EUR', opensAt: occurredAt, queue: {}, sections };
    expect((await app.http.call(reservations, 'createSale', sale)).code).toBe('ok');
    await counted(app);
    await eventually(async () => {
      const { body } = await app.http.call(leaderboard, 'listSnapshots', { window: 'weekly' });
      snapshot = (body.snapshots as Snapshot[]).find(({ total }) => total === 3) as Snapshot;
      expect(snapshot).toBeDefined();
    });
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  const boards = ['getLeaderboard', 'getSnapshot'];

  /** The request without what a page needs not, and a position that this list may give out. */
  async function honestOf({ contract, method, request }: List): Promise<[Record<string, unknown>, Position]> {
    const asked =
      method === 'getSnapshot'
        ? { id: snapshot.id, limit: 1 }
        : method === 'getLeaderboard'
          ? { window: 'weekly', limit: 1 }
          : request;
    if (method === 'listBlocks') return [asked, ['player-1']];
    if (method === 'listChatUsers' || method === 'listMutes') return [asked, ['ada']];
    if (method === 'getDraw') return [{ saleId }, [1]];
    if (method === 'getAvailability') return [{ saleId, sectionId: 'seats' }, ['A1']];
    if (!boards.includes(method)) return [asked, [1]];
    const { body } = await app.http.call(contract, method, asked);
    const text = Buffer.from(String(body.nextPageToken), 'base64url').toString();
    return [asked, (JSON.parse(text) as { at: Position }).at];
  }

  /** Makes tokens as the server itself does for this request. */
  async function forger({ contract, method }: List, request: object): Promise<(at: Position) => string> {
    const decode = jest.spyOn(ListTokens.prototype, 'decode');
    await app.http.call(contract, method, { ...request, pageToken: 'abc' });
    const { contexts, calls } = decode.mock;
    const [list, filter] = [contexts[0] as ListTokens<Position>, calls[0]?.[0]];
    decode.mockRestore();
    return (at) => list.encode(filter, at);
  }

  test.each(lists)(
    '$method refuses every position that no row has, on both wires',
    async (list) => {
      const { contract, method } = list;
      const [request, honest] = await honestOf(list);
      const forge = await forger(list, request);
      // Of people's names é is one.
      const isName = method === 'listChatUsers' || method === 'listMutes';
      const wrong = [...hostile(honest)].filter(([at]) => !(isName && at === 'é'));
      // Past the end, and a window that cannot be.
      if (boards.includes(method)) wrong.push(honest.with(3, 4), honest.with(3, Number.MAX_SAFE_INTEGER));
      if (method === 'getLeaderboard') wrong.push(...['2026-W54', 'x'].map((key) => honest.with(4, key)));
      for (const wire of [app.http, app.grpc]) {
        expect(await wire.call(contract, method, { ...request, pageToken: forge(honest) })).toMatchObject({
          code: 'ok',
        });
        for (const at of wrong) {
          const { code, fields } = await wire.call(contract, method, { ...request, pageToken: forge(at) });
          expect([at, code, fields]).toEqual([at, 'page_token_invalid', ['pageToken']]);
        }
      }
    },
    60_000,
  );
});

test('a token of one process is good in the next one, and worth nothing where the secret is another', async () => {
  await using database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  const occurredAt = new Date().toISOString();
  const request = { window: 'weekly', limit: 1 };
  const first = async (): Promise<string> => {
    await using app = await openApp(database.url);
    await play(
      app,
      ['one', 'two'].map((playerId, i) => ({ playerId, points: i + 5, occurredAt })),
    );
    await counted(app);
    const { body } = await app.http.call(leaderboard, 'getLeaderboard', request);
    return String(body.nextPageToken);
  };
  const pageToken = await first();
  const codeWith = async (environment: Record<string, string>): Promise<string> => {
    await using app = await openApp(database.url, environment);
    return (await app.http.call(leaderboard, 'getLeaderboard', { ...request, pageToken })).code;
  };
  expect(await codeWith({})).toBe('ok');
  expect(await codeWith({ HMAC_SECRET: 'another secret, of thirty-two bytes at least' })).toBe('page_token_invalid');
});
