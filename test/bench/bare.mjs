// What Aerie is compared with: a bare Fastify handler that verifies the same signature and parses the same JSON, and
// keeps nothing. Prints its port when it listens.
import { createHmac, timingSafeEqual } from 'node:crypto';
import fastify from 'fastify';
import { secret } from './prepare.mjs';

const header = /^t=([0-9]{1,15}),v1=([0-9a-f]{64})$/;
const app = fastify({ bodyLimit: 16 * 1024 });

app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

app.post('/events', (request, reply) => {
  const id = request.headers['idempotency-key'];
  const [, timestamp, signature] = header.exec(request.headers['x-signature'] ?? '') ?? [];
  if (id === undefined || signature === undefined) return reply.code(401).send({ error: 'Unauthorized' });
  const expected = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(request.body).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, 'hex'))) return reply.code(401).send({ error: 'Unauthorized' });
  const { playerId } = JSON.parse(request.body.toString('utf8'));
  if (typeof playerId !== 'string') return reply.code(400).send({ error: 'Bad Request' });
  return reply.code(202).send({ eventId: id, status: 'accepted' });
});

await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${JSON.stringify({ message: 'app_ready', port: app.server.address().port })}\n`);
process.once('SIGTERM', () => process.exit(0));
