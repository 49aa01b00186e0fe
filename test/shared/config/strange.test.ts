import { allFeatures as features } from '../../../src/app.module';
import { strangeIn } from '../../../src/shared/config/config.strange';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';
import { variablesOf } from '../../../src/shared/config/settings';

// Variables that are set in vain, and those of OpenTelemetry that are heeded.

const names = Object.keys(variablesOf(features));

test.each([
  ['HMAC_SECRT', 'HMAC_SECRET'],
  ['DATABSE_URL', 'DATABASE_URL'],
  ['DATBASE_URLS', 'DATABASE_URL'],
  ['HMAC_ESCRET', 'HMAC_SECRET'],
  ['REDIS_URI', 'REDIS_URL'],
  ['OTEL_EXPORTER_OTLP_ENDPIONT', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
])('%s is %s misspelt', (name, meant) => {
  expect(strangeIn({ [name]: 'a value', [meant]: 'another' }, names)).toEqual({
    misspelt: [{ name, meant }],
    telemetry: [],
  });
});

test('what others set is none of it, and neither is what is empty or a link of Kubernetes', () => {
  const others = { PATH: '/bin', HOME: '/', USER: 'a', HTTP_PROXY: 'http://p', NODE_ENV: 'test', LANG: 'C', PORT: '1' };
  const links = { AUTH_PORT: 'tcp://10.0.0.1:80', REDIS_UR: 'tcp://10.0.0.1:80', HMAC_SECRT: '' };
  const long = { [`${'A'.repeat(60_000)}`]: 'x' };
  expect(strangeIn({ ...others, ...links, ...long }, names)).toEqual({ misspelt: [], telemetry: [] });
});

test('the variables of OpenTelemetry that nobody reads', () => {
  const heeded = { OTEL_SDK_DISABLED: 'true', OTEL_EXPORTER_OTLP_TRACES_HEADERS_FILE: '/x', OTEL_SERVICE_NAME: 'a' };
  const set = { ...heeded, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc', OTEL_LOGS_EXPORTER: 'otlp' };
  expect(strangeIn(set, names)).toEqual({
    misspelt: [],
    telemetry: ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_LOGS_EXPORTER'],
  });
});

describe('traces', () => {
  const [endpoint, whole] = ['http://collector:4318/', 'http://other:4318/traces'];
  const headers = { OTEL_EXPORTER_OTLP_HEADERS: 'x-key=all' };
  const tracing = (env: RawEnvironment) => loadConfig(env, features).tracing;

  test('go to the whole address as it is, else to the place below the one for all', () => {
    const all = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...headers };
    expect(tracing(all)).toMatchObject({ url: 'http://collector:4318/v1/traces', headers: { 'x-key': 'all' } });
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole };
    expect(tracing({ ...all, ...own, OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-key=own' })).toMatchObject({
      url: whole,
      headers: { 'x-key': 'own' },
    });
    expect(tracing(own)).toMatchObject({ url: whole, headers: {} });
  });

  test.each([{ OTEL_SDK_DISABLED: 'true' }, { OTEL_SDK_DISABLED: 'TRUE' }, { OTEL_TRACES_EXPORTER: 'none' }])(
    'are not recorded with %j',
    (off) => expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...off })).toBeUndefined(),
  );

  test.each([{ OTEL_SDK_DISABLED: 'false' }, { OTEL_SDK_DISABLED: 'yes' }, { OTEL_TRACES_EXPORTER: 'otlp' }])(
    'are recorded with %j',
    (on) => expect(tracing({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...on })).toBeDefined(),
  );
});
