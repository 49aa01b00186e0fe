import { Readable } from 'node:stream';
import fastifyServer, { type FastifyInstance } from 'fastify';
import { request } from 'undici';
import { HandlerDeadline } from '../../../src/shared/http/http.deadline';

// A handler has so long to begin its answer; how long the answer then takes is the reader's business.

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const limitMs = 300;
const longer = 1200;
const failures: unknown[] = [];
const deadline = new HandlerDeadline(limitMs, (error) => failures.push(error));
let server: FastifyInstance;
let url: string;

beforeAll(async () => {
  server = fastifyServer();
  server.decorateRequest('traceId', 'the-trace');
  server.addHook('preHandler', (each, reply, done) => {
    deadline.begin(each, reply, each.traceId);
    done();
  });
  server.addHook('onResponse', (each, _reply, done) => {
    deadline.end(each);
    done();
  });
  server.get('/slow', async () => {
    await sleep(longer);
    return 'late';
  });
  // Says what it is going to answer, and then does not.
  server.get('/typed', async (_request, reply) => {
    reply.type('text/javascript').header('content-length', 5).header('etag', '"1"');
    await sleep(longer);
    return 'late!';
  });
  // Has begun to answer in time, and goes on for longer.
  server.get('/streamed', (_request, reply) => {
    const parts = async function* (): AsyncGenerator<string> {
      for (const part of ['be', 'gun', ' and', ' done']) {
        yield part;
        await sleep(limitMs);
      }
    };
    return reply.type('text/javascript').send(Readable.from(parts()));
  });
  server.get('/quick', async () => ({ ok: true }));
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(async () => {
  await sleep(longer);
  deadline.close();
  await server.close();
  expect(failures).toEqual([]);
});

test.each(['/slow', '/typed'])('%s is answered 504 in the one shape, and what it says later is not', async (path) => {
  const answer = await request(url + path);
  expect([answer.statusCode, answer.headers.etag, await answer.body.json()]).toEqual([
    504,
    undefined,
    expect.objectContaining({ error: 'Gateway Timeout', code: 'deadline_exceeded', trace_id: 'the-trace' }),
  ]);
});

test('an answer that has begun goes on', async () => {
  const answer = await request(`${url}/streamed`, { bodyTimeout: 10_000 });
  expect([answer.statusCode, await answer.body.text()]).toEqual([200, 'begun and done']);
});

test('a handler in time is left alone', async () => {
  const answer = await request(`${url}/quick`);
  expect([answer.statusCode, await answer.body.json()]).toEqual([200, { ok: true }]);
});
