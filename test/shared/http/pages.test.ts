import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { request } from 'undici';
import { z } from 'zod';
import { features } from '../../../src/features/index';
import type { Feature } from '../../../src/shared/contract/feature';
import type { Page } from '../../../src/shared/contract/page';
import { currentContext } from '../../../src/shared/tracing/request-context';
import { documentOf, operationIn } from '../../support/openapi';
import { openApp, type TestApp } from '../../support/wires';

// Pages of a feature: an answer without end is cut by nobody, and what may stand in a query is in the document.

const quietMs = 5600;
const context: unknown[] = [];

@Controller('streams')
class StreamsController {
  /** Begins its answer later than any other handler may. */
  @Get('endless')
  async endless(@Res() reply: FastifyReply): Promise<void> {
    context.push(currentContext()?.ends);
    await sleep(quietMs);
    const events = async function* (): AsyncGenerator<string> {
      yield 'data: 1\n\n';
      await sleep(1100);
      yield 'data: 2\n\n';
    };
    await reply.type('text/event-stream').send(Readable.from(events()));
  }

  @Get('slow')
  async slow(): Promise<object> {
    await sleep(quietMs);
    return {};
  }
}

const page = (name: string): Page => ({
  http: `GET /streams/${name}`,
  operationId: name,
  service: 'leaderboard',
  summary: 'What happens',
  answers: { 200: { description: 'Events', contentType: 'text/event-stream', schema: z.string(), example: 'data: 1' } },
});
const query = z.object({ room: z.string().max(64), since: z.string().optional() });

let app: TestApp;

beforeAll(async () => {
  const feature = features.find(({ contract }) => contract.name === 'leaderboard') as {
    -readonly [K in keyof Feature]: Feature[K];
  };
  feature.pages = [{ ...page('endless'), endless: true, query }, page('slow')];
  feature.doors = { ...feature.doors, controllers: [...feature.doors.controllers, StreamsController] };
  app = await openApp('sqlite::memory:', { LOG_LEVEL: 'warn' });
});
afterAll(() => app[Symbol.asyncDispose]());

test('an endless page may begin when it likes, and has the headers of every answer; no other page may', async () => {
  const [endless, slow] = await Promise.all([
    request(`${app.url}/streams/endless`),
    request(`${app.url}/streams/slow`),
  ]);
  expect([slow.statusCode, await slow.body.json()]).toEqual([
    504,
    expect.objectContaining({ code: 'deadline_exceeded' }),
  ]);
  expect([endless.statusCode, await endless.body.text()]).toEqual([200, 'data: 1\n\ndata: 2\n\n']);
  expect(endless.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'x-trace-id': expect.any(String),
    'x-content-type-options': 'nosniff',
  });
  expect(context).toEqual([undefined]);
  const metrics = await (await request(`${app.url}/metrics`)).body.text();
  expect(metrics).toMatch(
    /^http_requests_total\{service="app",method="GET",path="\/streams\/endless",status="200"\} 1$/m,
  );
  expect(metrics).toMatch(/^http_request_duration_seconds_count\{.*path="\/streams\/endless"\} 0$/m);
}, 20_000);

test('HEAD of an endless page does not begin it', async () => {
  const begun = context.length;
  const { statusCode, headers } = await request(`${app.url}/streams/endless`, { method: 'HEAD' });
  expect([statusCode, headers['content-type'], context.length]).toEqual([200, 'text/event-stream', begun]);
});

test('the document tells the query of a page, and that anybody may get it', async () => {
  const document = await documentOf(app.url);
  expect(operationIn(document, { http: 'GET /streams/endless' })).toMatchObject({
    security: [],
    parameters: [
      { name: 'room', in: 'query', required: true, schema: { type: 'string', maxLength: 64 } },
      { name: 'since', in: 'query', required: false, schema: { type: 'string' } },
    ],
  });
});
