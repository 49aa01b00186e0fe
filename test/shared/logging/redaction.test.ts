import { Writable } from 'node:stream';
import fc from 'fast-check';
import pino, { type Logger } from 'pino';
import { loggerOptions } from '../../../src/shared/logging/logging.module';
import { describeError, redactor, scrub } from '../../../src/shared/logging/redaction';
import { runInContext } from '../../../src/shared/tracing/request-context';

const secret = 'hunter2-hunter2';

test.each([
  ['a URL', `connect postgres://aerie:${secret}@db.internal:5432/aerie failed`],
  ['a URL without a name', `redis://:${secret}@cache:6379`],
  ['a password with an @', `mysql://aerie:before@${secret}@db/aerie`],
  ['a DSN of Go', `aerie:${secret}@tcp(db:3306)/aerie`],
  ['a bearer token', `Authorization: Bearer ${secret}`],
  ['a bearer token in lower case', `authorization: bearer ${secret}`],
  ['a JWT', `the token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ${secret}.AAAA_-${secret} is bad`],
  ['a pair', `password=${secret}`],
  ['a pair in JSON', `{"password":"${secret}","x":1}`],
  ['a pair in YAML', `client_secret: ${secret}`],
  ['a query', `GET /x?token=${secret}&y=1`],
  ['a key of Azure', `Endpoint=sb://h/;SharedAccessKeyName=Root;SharedAccessKey=${secret}=`],
  ['a signature of Azure', `SharedAccessSignature=SharedAccessSignature sr=sb%3A%2F%2Fh&sig=${secret}%3D&se=1`],
])('%s loses its secret', (_name, text) => {
  const clean = scrub(text);
  expect(clean).not.toContain(secret);
  expect(clean).toContain('[redacted]');
});

test('what is around a secret stays', () => {
  expect(scrub(`connect postgres://aerie:${secret}@db.internal:5432/aerie failed`)).toBe(
    'connect postgres://[redacted]@db.internal:5432/aerie failed',
  );
  expect(scrub(`aerie:${secret}@tcp(db:3306)/aerie`)).toBe('[redacted]@tcp(db:3306)/aerie');
  for (const text of ['request_completed', 'GET /players/player-1/progress 200', 'http://127.0.0.1:8080/docs', '12:30'])
    expect(scrub(text)).toBe(text);
});

test('any e-mail address and any password in a URL is gone, wherever it stands', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9._+-]{1,20}$/);
  const address = fc.tuple(word, fc.stringMatching(/^[a-z0-9-]{1,10}\.[a-z]{2,5}$/)).map((parts) => parts.join('@'));
  const password = fc.stringMatching(/^[A-Za-z0-9!$&*+,;=:@-]{6,24}$/);
  fc.assert(
    fc.property(fc.lorem(), address, password, (text, mail, hidden) => {
      expect(scrub(`${text} ${mail}, ${text}`)).not.toContain(mail);
      expect(scrub(`${text} <${mail}>`)).not.toContain(mail);
      expect(scrub(`mysql://user:-${hidden}-@host/db`)).not.toContain(`-${hidden}-`);
    }),
  );
});

const redact = redactor([]);

test('a feature vouches for its own fields', () => {
  expect([redact({ verdict: 'x' }), redactor(['verdict'])({ verdict: 'x' })]).toEqual([
    { verdict: '[redacted]' },
    { verdict: 'x' },
  ]);
});

test('a field that nobody vouched for is not printed, an object never', () => {
  expect(
    redact({ status: 200, path: `/x?token=${secret}`, email: 'a@b.example', body: secret, modules: ['users'] }),
  ).toEqual({ status: 200, path: '/x?token=[redacted]', email: '[redacted]', body: '[redacted]', modules: ['users'] });
  expect(redact({ event: { password: secret }, modules: [{ password: secret }, `password=${secret}`] })).toEqual({
    event: '[redacted]',
    modules: ['[redacted]', 'password=[redacted]'],
  });
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), (name, value) => {
      const known = name in redact({}) || JSON.stringify(redact({ [name]: 'x' })[name]) === '"x"';
      if (!known) expect(redact({ [name]: value })).toEqual({ [name]: '[redacted]' });
    }),
  );
});

test('an error keeps type, code and causes, five deep, and none of its other properties', () => {
  const driver = Object.assign(new Error(`password=${secret}`), { code: '23505', detail: secret, query: secret });
  const told = describeError(new Error(`mysql://a:${secret}@h/d`, { cause: driver }));
  expect(told).toMatchObject({ type: 'Error', message: 'mysql://[redacted]@h/d', cause: { code: '23505' } });
  expect(JSON.stringify(told)).not.toContain(secret);
  let deep = new Error('0');
  for (let i = 1; i < 50; i++) deep = new Error(String(i), { cause: deep });
  expect(JSON.stringify(describeError(deep)).match(/"cause"/g)).toHaveLength(5);
});

describe('a logger', () => {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  const logged = (write: (logger: Logger) => void): Record<string, unknown> => {
    lines.length = 0;
    write(pino(loggerOptions('trace', []), sink));
    expect(lines).toHaveLength(1);
    return JSON.parse(lines[0] ?? '') as Record<string, unknown>;
  };

  test('writes one JSON line with time, level, service, message and trace id', () => {
    const line = logged((logger) =>
      runInContext({ traceId: 'trace-1' }, () => logger.info({ status: 200 }, 'request_completed')),
    );
    expect(line).toEqual({
      level: 'info',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      service: 'app',
      trace_id: 'trace-1',
      status: 200,
      message: 'request_completed',
    });
  });

  test.each<[string, (logger: Logger) => void]>([
    ['a message', (logger) => logger.warn(`password=${secret}`)],
    ['a message with a place', (logger) => logger.warn('connected to %s', `redis://:${secret}@cache`)],
    ['a field', (logger) => logger.warn({ password: secret }, 'x')],
    ['a field that is printed', (logger) => logger.warn({ reason: `Bearer ${secret}` }, 'x')],
    ['an error', (logger) => logger.error(new Error(`token=${secret}`))],
    ['an error as a field', (logger) => logger.error({ err: new Error(`token: ${secret}`) }, 'x')],
    ['an error as a field, without a message', (logger) => logger.error({ err: new Error(`token: ${secret}`) })],
    ['a bare text', (logger) => logger.error(`token: ${secret}`)],
    ['what is thrown and is no error', (logger) => logger.error({ err: { password: secret } }, 'x')],
    [
      'a request',
      (logger) => logger.warn({ req: { headers: { authorization: secret } }, headers: { cookie: secret } }),
    ],
  ])('hides the secret in %s', (_name, write) => {
    expect(JSON.stringify(logged(write))).not.toContain(secret);
  });
});
