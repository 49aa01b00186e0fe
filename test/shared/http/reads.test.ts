import { Controller, Get, Header, Headers, Param, Post, UseGuards } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import fastify, { type FastifyReply } from 'fastify';
import { request } from 'undici';
import { z } from 'zod';
import { features } from '../../../src/features/index';
import { ProgressionService } from '../../../src/features/progression/progression.service';
import { UsersService } from '../../../src/features/users/users.service';
import { dto } from '../../../src/shared/contract/dto';
import type { ErrorFilter } from '../../../src/shared/contract/error.filter';
import type { RouteEntry } from '../../../src/shared/contract/route-table';
import type { AppError } from '../../../src/shared/errors/app-error';
import { serveReads } from '../../../src/shared/http/http.reads';
import { HttpRequest } from '../../../src/shared/http/http-request.decorator';
import { type Caller, runInContext } from '../../../src/shared/tracing/request-context';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { manyAddresses, type Player, register } from '../../support/players';
import { openApp, type TestApp } from '../../support/wires';

// Fastify calls the controllers' reads itself, and nobody can tell: every answer and every refusal is that of Nest's way.

const mockDirect = { on: true };

jest.mock('../../../src/shared/http/http.reads', () => {
  const actual = jest.requireActual<{ serveReads: typeof serveReads }>('../../../src/shared/http/http.reads');
  return {
    // Where it is off, Nest serves everything.
    serveReads: (...parts: Parameters<typeof serveReads>) => (mockDirect.on ? actual.serveReads(...parts) : undefined),
  };
});

const gets = features.flatMap(({ contract }) =>
  Object.values(contract.routes)
    .map(({ http }) => http)
    .filter((http) => http.startsWith('GET ')),
);

let database: TestDatabase;
let direct: TestApp;
let nest: TestApp;
let player: Player;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
  direct = await openApp(database.url, manyAddresses);
  mockDirect.on = false;
  nest = await openApp(database.url, manyAddresses);
  mockDirect.on = true;
  player = await register(direct, 'reads@example.com');
});
afterAll(async () => {
  await nest[Symbol.asyncDispose]();
  await direct[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function told(
  app: TestApp,
  path: string,
  headers: Record<string, string>,
  method: 'GET' | 'HEAD' = 'GET',
  body?: string,
) {
  const answer = await request(app.url + path, {
    method,
    headers: { 'x-trace-id': 'a'.repeat(32), ...headers },
    body: body ?? null,
  });
  const { date: _date, ...sent } = answer.headers;
  // The numbering of a chat room is each process's own.
  const text = (await answer.body.text()).replace(/"epoch":"[0-9A-Z]{26}"/, '"epoch":""');
  if (path.startsWith('/console/stats') && answer.statusCode === 200) {
    // What a process has counted is its own, too: the names are alike.
    const { 'content-length': _length, ...alike } = sent;
    return { status: 200, headers: alike, text: Object.keys(JSON.parse(text || '{}') as object).join() };
  }
  return { status: answer.statusCode, headers: sent, text };
}

const queries = [
  '',
  '?x=1',
  '?limit=0',
  '?limit=1&limit=2',
  '?window=daily',
  '?window=daily&limit=1',
  '?window=monthly',
  '?_=1&utm_x=2',
  '?pageToken=x',
  '?__proto__=1',
];
const ids = ['01KAJ0000000000000000000AA', 'nobody', '', '%20', 'progression', 'gateway'];

describe.each(gets)('%s', (route) => {
  const template = route.slice('GET '.length);

  test('the same for everybody, whatever is asked', async () => {
    const callers: Record<string, string>[] = [
      {},
      player.headers,
      { authorization: 'Bearer x' },
      { 'if-none-match': '*' },
      { origin: 'https://else.example', 'x-forwarded-for': '192.0.2.1' },
    ];
    for (const id of template.includes(':') ? [...ids, player.id] : ['']) {
      const path = template.replace(/:\w+/g, id);
      for (const query of queries) {
        for (const headers of callers)
          expect(await told(direct, path + query, headers)).toEqual(await told(nest, path + query, headers));
      }
      expect(await told(direct, path, {}, 'HEAD')).toEqual(await told(nest, path, {}, 'HEAD'));
      const json = { 'content-type': 'application/json' };
      expect(await told(direct, path, json, 'GET', '{}')).toEqual(await told(nest, path, json, 'GET', '{}'));
    }
  });
});

test('what a method throws, at once or later, is told as on Nest’s way', async () => {
  const thrown: (() => unknown)[] = [
    () => Promise.reject(new Error('later')),
    () => {
      throw new Error('at once');
    },
    () => undefined,
    () => null,
  ];
  for (const way of thrown) {
    const spy = jest.spyOn(UsersService.prototype, 'getUser').mockImplementation(way as never);
    const path = `/users/${player.id}`;
    expect(await told(direct, path, {})).toEqual(await told(nest, path, {}));
    spy.mockRestore();
  }
});

test('a controller’s method is called by Fastify itself', async () => {
  let stack = '';
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const spy = jest.spyOn(ProgressionService.prototype, 'getProgress').mockImplementation(async () => {
    stack = new Error('here').stack ?? '';
    return {} as never;
  });
  await told(direct, `/players/${player.id}/progress`, {});
  const ours = stack;
  await told(nest, `/players/${player.id}/progress`, {});
  spy.mockRestore();
  Error.stackTraceLimit = stackTraceLimit;
  expect([/http\.reads/.test(ours), /router-execution-context/.test(ours)]).toEqual([true, false]);
  expect([/http\.reads/.test(stack), /router-execution-context/.test(stack)]).toEqual([false, true]);
});

describe('what is left to Nest', () => {
  class Plain extends dto<{ id: string }>(z.strictObject({ id: z.string() })) {}
  const guard = { canActivate: () => true };

  @Controller('things')
  class ThingsController {
    @Get(':id')
    plain(@HttpRequest() request: Plain): Plain {
      return request;
    }
    @Get('guarded/:id')
    @UseGuards(guard)
    guarded(@HttpRequest() request: Plain): Plain {
      return request;
    }
    @Get('header/:id')
    @Header('x-more', '1')
    header(@HttpRequest() request: Plain): Plain {
      return request;
    }
    @Get('piped/:id')
    piped(@HttpRequest({ transform: (value: unknown) => value }) request: Plain): Plain {
      return request;
    }
    @Get('more/:id')
    more(@HttpRequest() request: Plain, @Headers() _headers: object): Plain {
      return request;
    }
    @Get('twice/:id')
    twice(@HttpRequest() request: Plain, @HttpRequest() _again: Plain): Plain {
      return request;
    }
    @Get('other/:id')
    other(@Param() request: Plain): Plain {
      return request;
    }
    @Post('posted/:id')
    posted(@HttpRequest() request: Plain): Plain {
      return request;
    }
  }

  async function served(path: string, name: Caller | undefined): Promise<string> {
    const app = fastify();
    const refuse = (thrown: unknown, _request: unknown, reply: FastifyReply) => reply.send((thrown as AppError).code);
    const instance = new ThingsController();
    const modules = new Map([
      ['one', { controllers: new Map([['things', { instance, metatype: ThingsController }]]) }],
    ]);
    const context = name ? { traceId: '', caller: name } : { traceId: '' };
    app.addHook('onRequest', (_request, _reply, done) => runInContext(context, done));
    app.addHook('onRoute', (options) => {
      options.config = { entry: { route: { http: `GET ${options.url}` } } as unknown as RouteEntry };
    });
    serveReads(app, modules as unknown as ModulesContainer, { refuse } as unknown as ErrorFilter);
    const kinds = ['', 'guarded/', 'header/', 'piped/', 'more/', 'twice/', 'other/', 'posted/'];
    for (const kind of kinds) app.get(`/things/${kind}:id`, async () => 'nest');
    const { body } = await app.inject(path);
    await app.close();
    return body;
  }

  test.each(['guarded', 'header', 'piped', 'more', 'twice', 'other', 'posted'])('a method that is %s', async (kind) => {
    expect(await served('/things/one', { kind: 'anonymous' })).toBe('{"id":"one"}');
    expect(await served(`/things/${kind}/one`, { kind: 'anonymous' })).toBe('nest');
  });

  test('but nobody is served whom the guard has not named, and no message that is not checked', async () => {
    expect(await served('/things/one', undefined)).toBe('forbidden');
    expect(await served('/things/one?x=1', { kind: 'anonymous' })).toBe('validation_failed');
  });
});
