// What Aerie is compared with: bare Fastify handlers. That of events verifies the same signature and parses the same JSON,
// and keeps nothing; those of reads answer the same bytes, after the same check of a token where one is wanted. ANSWERS
// names a file with `{ key, reads: [{ route, body, token }] }`. Prints its port when it listens.
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
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

function addReads({ key, reads }) {
  const publicKey = key && createPublicKey({ key, format: 'jwk' });
  for (const { route, body, token } of reads) {
    app.get(route, (request, reply) => {
      if (token && !isSigned(request.headers.authorization, publicKey))
        return reply.code(401).send({ error: 'Unauthorized' });
      return reply.header('content-type', 'application/json; charset=utf-8').send(body);
    });
  }
}

/** A JWT by RS256 that has not expired. */
function isSigned(authorization, key) {
  const [, head, claims, signature] = /^Bearer ([\w-]+)\.([\w-]+)\.([\w-]+)$/.exec(authorization ?? '') ?? [];
  if (signature === undefined) return false;
  if (!verify('sha256', Buffer.from(`${head}.${claims}`), key, Buffer.from(signature, 'base64url'))) return false;
  return JSON.parse(Buffer.from(claims, 'base64url').toString('utf8')).exp * 1000 > Date.now();
}

if (process.env.ANSWERS) addReads(JSON.parse(readFileSync(process.env.ANSWERS, 'utf8')));
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`${JSON.stringify({ message: 'app_ready', port: app.server.address().port })}\n`);
process.once('SIGTERM', () => process.exit(0));
