import { everyDatabase, type TestDatabase } from '../support/databases';
import { internal, openDoor, ways } from '../support/placements';
import { type Outcome, openApp, type TestApp } from '../support/wires';
import type { Case } from './parity.case';
import { parityCases as cases } from './parity.cases';

// One request, two spellings: the answer and the error must be the same, wherever the features run.

// ARCHITECTURE: kinds of errors. HTTP status -> gRPC code.
const grpcCodes: Record<number, readonly number[]> = {
  400: [3],
  401: [16],
  403: [7],
  404: [5],
  412: [9],
  413: [8],
  422: [9],
  429: [8],
};

// They are asked one after the other, so times in their answers differ, and the end of the journal.
const times = /(?<=")\d{4}-\d\d-\d\dT[0-9:.]+Z(?=")|(?<=\bt )\d{10}\b|\d+(?= s (behind|ahead))/g;
const ends = /(?<="upTo":)\d+/g;

const placements: readonly [string, (house: TestApp) => Promise<TestApp>][] = [
  ['in this process', async (house) => house],
  ...ways.map(({ name, address }): [string, (house: TestApp) => Promise<TestApp>] => [
    `elsewhere, over ${name}`,
    (house) => openDoor(address(house)),
  ]),
];

let house: TestApp;
let database: TestDatabase;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  house = await openApp(database.url, internal);
});
afterAll(async () => {
  await house[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

test('the table has at least 40 cases', () => expect(cases.length).toBeGreaterThanOrEqual(40));

// What was told where the features run in the process itself.
const told = new Map<Case, Outcome>();

describe.each(placements)('%s', (placement, open) => {
  let app: TestApp;
  const way = String(placements.findIndex(([name]) => name === placement));

  beforeAll(async () => {
    app = await open(house);
  });
  afterAll(async () => {
    if (app !== house) await app[Symbol.asyncDispose]();
  });

  async function outcome(wire: 'http' | 'grpc', one: Case): Promise<Outcome> {
    // The wire's own prefix, one length on both, so that size limits are met alike.
    const w = `${wire}${way}-${cases.indexOf(one)}`;
    // What comes before has just come, however slow the machine is.
    const clock = one.before && jest.spyOn(performance, 'now').mockReturnValue(performance.now());
    for (const message of one.before?.(w) ?? []) await app[wire].call(one.contract, one.method, message);
    const result = await app[wire].call(one.contract, one.method, one.message(w), one.headers);
    clock?.mockRestore();
    const text = JSON.stringify(result).replaceAll(`${wire}${way}-`, 'wire-').replace(times, 'then').replace(ends, '0');
    return JSON.parse(text) as Outcome;
  }

  test.each(cases)('$name', async (one) => {
    const [http, grpc] = [await outcome('http', one), await outcome('grpc', one)];
    expect(http.code).toBe(one.code);
    expect(grpc.code).toBe(one.code);
    expect(grpc.fields).toEqual(http.fields);
    if (one.field !== undefined) expect(http.fields).toContain(one.field);
    if (one.code === 'ok') expect(grpc.status).toBe(0);
    else expect(grpcCodes[http.status]).toContain(grpc.status);
    expect(grpc.body).toEqual(http.body);
    expect([grpc.replayed, grpc.retryAfter]).toEqual([http.replayed, http.retryAfter]);
    if (!told.has(one)) told.set(one, http);
    expect(http).toEqual(told.get(one));
  });
});
