import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Metadata, status } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { request } from 'undici';
import { features } from '../../src/features/index';
import { loaderOptions, protoFile, protoRoot } from '../../src/shared/contract/proto';
import { RouteTable } from '../../src/shared/contract/route-table';
import { processesContract } from '../../src/shared/processes/processes.api';
import { everyDatabase, type TestDatabase } from '../support/databases';
import { openApp, type TestApp } from '../support/wires';

// What is served is what the contracts say: no route of a controller's own, no method without a handler.

/** Health for orchestrators, metrics for the scraper, the API's description, keys; pages and streams; OPTIONS for browsers. */
const beside =
  /^(GET \/(health\/live|health\/ready|healthz|metrics|docs(\/.*)?|\.well-known\/jwks\.json|chat(\/(stream|[a-z]+\.(css|js)))?|console(\/[a-z]+\.(css|js))?|drops\/(:saleId|[a-z]+\.(css|js))|queue\/stream|reservations\/:id\/stream)|OPTIONS \*)$/;

const registered = new Set<string>();
let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  const register = RouteTable.prototype.registered;
  jest.spyOn(RouteTable.prototype, 'registered').mockImplementation(function (this: RouteTable, method, template) {
    registered.add(`${method} ${template}`);
    register.call(this, method, template);
  });
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  app = await openApp(database.url);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const contracts = [...features.map(({ contract }) => contract), processesContract];

test('the HTTP routes are the routes of the contracts and the few beside them', () => {
  const declared = contracts.flatMap(({ routes }) => Object.values(routes).map(({ http }) => String(http)));
  const gets = declared.filter((route) => route.startsWith('GET'));
  const own = [...registered].filter((route) => !beside.test(route) && !/^HEAD /.test(route));
  expect(own.sort()).toEqual([...declared].sort());
  // HEAD comes with GET and with nothing else.
  const heads = [...registered].filter((route) => /^HEAD /.test(route)).map((route) => route.replace('HEAD', 'GET'));
  expect(heads.filter((route) => !gets.includes(route) && !beside.test(route))).toEqual([]);
  expect(heads).toEqual(expect.arrayContaining(gets));
});

test('OPTIONS is answered without a body, also to those who are no browsers', async () => {
  for (const headers of [{}, { origin: 'http://localhost:3000', 'access-control-request-method': 'PATCH' }]) {
    const { statusCode, body } = await request(`${app.url}/users`, { method: 'OPTIONS', headers });
    expect([statusCode, await body.text()]).toEqual([204, '']);
  }
});

test.each(['dead_letters_total{consumer="leaderboard"} 0', 'anomaly_flags_total{rule="jump"} 0'])(
  '%s is told before the first one happens',
  async (line) => expect(await (await request(`${app.url}/metrics`)).body.text()).toContain(`\n${line}\n`),
);

test('every .proto has a contract, but that by which processes send each other calls', () => {
  const found = readdirSync(join(protoRoot, 'aerie'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.proto'))
    .map((name) => `aerie/${name}`)
    .filter((name) => name !== 'aerie/calls/v1/calls.proto');
  expect(found.sort()).toEqual(contracts.map(protoFile).sort());
});

describe.each(contracts)('$name', (contract) => {
  const service = loadSync(protoFile(contract), loaderOptions)[
    `${contract.proto.package}.${contract.proto.service}`
  ] as ServiceDefinition;

  test('the contract has a route or a stream for each method of the proto, and no other', () => {
    const methods = Object.keys(service).map((name) => name.charAt(0).toLowerCase() + name.slice(1));
    const told = [...Object.keys(contract.routes), ...Object.keys(contract.streams ?? {})];
    expect(told.sort()).toEqual(methods.sort());
  });

  test.each(Object.keys(service))('%s has a handler', async (name) => {
    const definition = service[name];
    if (!definition) throw new Error(`No ${name}`);
    const identity = (bytes: Buffer): Buffer => bytes;
    const call = app.grpc.client.makeBidiStreamRequest(definition.path, identity, identity, new Metadata());
    const ended = new Promise<number>((resolve) => call.on('status', ({ code }) => resolve(code)));
    call.on('error', () => undefined).on('data', () => undefined);
    call.end(Buffer.alloc(0));
    expect([status.UNIMPLEMENTED, status.UNKNOWN, status.INTERNAL]).not.toContain(await ended);
  });
});

test('a method that nobody has is UNIMPLEMENTED', async () => {
  const identity = (bytes: Buffer): Buffer => bytes;
  const ended = new Promise<number | undefined>((resolve) => {
    const path = '/aerie.events_gateway.v1.EventsGatewayService/Nothing';
    app.grpc.client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), (error) => resolve(error?.code));
  });
  expect(await ended).toBe(status.UNIMPLEMENTED);
});
