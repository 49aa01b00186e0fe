import { connect } from 'node:net';
import { DataSource } from 'typeorm';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { eventsGatewayContract as gateway } from '../../../src/features/events-gateway/events-gateway.api';
import { progressionContract as progression } from '../../../src/features/progression/progression.api';
import { startApp } from '../../support/app';
import { everyServer } from '../../support/databases';
import { eventually } from '../../support/eventually';
import { eventBody, signed } from '../../support/signed';
import { startSilentProxy } from '../../support/silent-proxy';
import { GrpcWire, HttpWire } from '../../support/wires';

// A real process at trace level, driven into every kind of trouble: what it logs holds nothing secret or personal.

const secrets = {
  HMAC_SECRET: 'hmac-secret-that-must-not-be-logged',
  HMAC_KEYS: 'ring:ring-secret-that-must-not-be-logged',
  RECEIPT_KEYS: 'first:receipt-secret-that-must-not-be-logged',
  GRANT_KEYS: 'first:grants-secret-that-must-not-be-logged',
  WEBHOOK_SECRET: 'webhook-secret-that-must-not-be-logged',
  INTERNAL_API_SECRET: 'internal-secret-that-must-not-be-logged',
};
const password = 'database-password-must-not-be-logged';
const token = 'bearer-token-must-not-be-logged';
const email = 'somebody@must-not-be-logged.example';

const fieldsAllowed =
  /^(level|timestamp|service|message|trace_id|err|method|path|status|duration_ms|host|port|[a-z]+_port|modules|environment|code|consumer|count|event_id|tries|context|reason|window|player_id|role|by|job|row|seconds)$/;

/** Requests that fail in every way that a caller can bring about; answers the tokens that were given out meanwhile. */
async function trouble(http: HttpWire, grpc: GrpcWire): Promise<string[]> {
  const sessions: string[] = [];
  const key = { secret: secrets.HMAC_SECRET };
  const authorization = `Bearer ${token}`;
  for (const wire of [http, grpc]) {
    await wire.call(gateway, 'ingest', signed(`good-${wire.name}`, eventBody(), key));
    await wire.call(gateway, 'ingest', signed('bad', `{"playerId":"${email}","password":"${password}"`, key));
    await wire.call(gateway, 'ingest', signed('bad', eventBody({ playerId: email, [email]: token }), key));
    await wire.call(gateway, 'ingest', { ...signed('bad', eventBody()), signatures: ['00'] }, { authorization });
    await wire.call(gateway, 'getHead', { consumer: email }, { authorization });
    await wire.call(gateway, 'listDeadLetters', { pageToken: token });
    await wire.call(progression, 'getProgress', { playerId: email });
    await wire.call(progression, 'verifyReward', { receipt: `eyJhbGciOiJIUzI1NiJ9.${token}.${token}` });
    const who = { email: `${wire.name}.${email}`, password };
    const session = await wire.call(auth, 'register', { name: 'Somebody', ...who });
    expect(session.code).toBe('ok');
    sessions.push(String(session.body.accessToken));
    const bearer = { authorization: `Bearer ${session.body.accessToken}` };
    await wire.call(auth, 'login', { ...who, password: token });
    const { id } = session.body.user as { id: string };
    expect((await wire.call(auth, 'setRole', { userId: id, role: 'admin' })).code).toBe('ok');
    expect((await wire.call(auth, 'logout', {}, bearer)).code).toBe('ok');
    await wire.call(auth, 'verify', {}, bearer);
    // Refused by a constraint of the database: nobody foresaw it, so it is logged with its cause.
    const unforeseen = await wire.call(
      gateway,
      'ingest',
      signed(`poison-${wire.name}`, eventBody({ payload: { deltaXp: 666 } }), key),
    );
    expect(unforeseen.code).toBe('internal');
  }
  await http.send('GET', `/${email}?token=${token}`, { authorization, cookie: token, 'x-forwarded-for': email });
  await http.send('PUT', `/events?email=${email}`, { 'content-type': 'text/plain' }, password);
  await new Promise((resolve) => {
    const { hostname, port } = new URL(http.url);
    connect(Number(port), hostname)
      .on('close', resolve)
      .on('data', () => undefined)
      .write(`GET / HTTP/1.1\r\nAuthorization ${token}\r\n\r\n`);
  });
  return sessions;
}

/** Every line has what every line must have, and no field that nobody allowed. */
function expectWellFormed(out: string): void {
  const lines = out.split('\n').filter((line) => line.startsWith('{'));
  for (const line of lines) {
    const fields = JSON.parse(line) as Record<string, unknown>;
    expect(fields).toMatchObject({
      level: expect.any(String),
      timestamp: expect.any(String),
      service: expect.any(String),
      message: expect.stringMatching(/^\w+$/),
    });
    for (const field of Object.keys(fields)) expect(field).toMatch(fieldsAllowed);
  }
}

test.each(everyServer)('$name', async ({ name, create }) => {
  await using database = await create();
  const url = new URL(database.url);
  const proxy = await startSilentProxy(Number(url.port));
  url.port = String(proxy.port);
  // PostgreSQL trusts anybody here, so it may as well be told a password; MariaDB checks the one it has.
  if (name === 'postgres') url.password = password;
  await using app = await startApp({ databaseUrl: url.href, env: { ...secrets, LOG_LEVEL: 'trace' } });
  const source = await new DataSource({ type: name as 'postgres' | 'mysql', url: database.url }).initialize();
  await source.query('ALTER TABLE game_events ADD CONSTRAINT poison CHECK (points <> 666)');
  await source.destroy();
  const http = new HttpWire(app.url);
  const grpc = new GrpcWire(app.grpcUrl.slice('grpc://'.length));
  const sessions = await trouble(http, grpc);
  await proxy[Symbol.asyncDispose]();
  expect(
    (await http.call(gateway, 'ingest', signed('gone', eventBody(), { secret: secrets.HMAC_SECRET }))).status,
  ).toBe(503);
  await http.send('GET', '/health/ready', {});
  await eventually(async () => expect(app.stdout()).toContain('"job_failed"'));
  grpc.close();
  expect(await app.stop()).toBe(0);

  const log = app.stdout() + app.stderr();
  for (const event of ['app_ready', 'request_completed', 'request_failed', 'request_refused', 'job_failed'])
    expect(log).toContain(`"message":"${event}"`);
  for (const event of ['user_registered', 'login_failed', 'role_changed', 'logged_out'])
    expect(log).toContain(`"message":"${event}"`);
  for (const text of [
    ...Object.values(secrets).map((value) => value.split(':').at(-1)),
    password,
    token,
    email,
    ...sessions,
  ])
    expect(log).not.toContain(text);
  expect(log).not.toMatch(/must-not-be-logged|aerie:aerie@/);
  expectWellFormed(app.stdout());
  expect(app.stderr()).toBe('');
});
