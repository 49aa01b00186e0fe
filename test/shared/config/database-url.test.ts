import { features } from '../../../src/features/index';
import { ConfigError } from '../../../src/shared/config/config.errors';
import { parseDatabaseUrl } from '../../../src/shared/config/database-url';
import { loadConfig, type RawEnvironment } from '../../../src/shared/config/load-config';
import { certificateFile } from '../../support/tls-proxy';

// Whatever an address says that we do not understand is refused by name, and its value is never told.

const encrypted = { rejectUnauthorized: false, verifyIdentity: false };
const ca = { rejectUnauthorized: true, verifyIdentity: false };
const full = { rejectUnauthorized: true, verifyIdentity: true };

test.each<[string, object | false]>([
  ['', false],
  ['sslmode=disable', false],
  ['ssl=false&requiressl=0', false],
  ['useSSL=false&requireSSL=false&verifyServerCertificate=false', false],
  ['ssl-mode=DISABLED', false],
  ['tls=false', false],
  ['sslmode=require', encrypted],
  ['sslmode=REQUIRE', encrypted],
  ['sslmode=prefer', encrypted],
  ['ssl-mode=REQUIRED', encrypted],
  ['useSSL=true', encrypted],
  ['useSSL=true&requireSSL=true&verifyServerCertificate=true', ca],
  ['tls=skip-verify', encrypted],
  ['ssl=true&sslmode=no-verify', encrypted],
  ['ssl=true&rejectUnauthorized=false', encrypted],
  ['sslmode=verify-ca', ca],
  ['sslMode=VERIFY_CA', ca],
  ['sslmode=verify-full', full],
  ['ssl=true', full],
  ['ssl', full],
  ['tls=true', full],
  ['SSL Mode=VerifyFull'.replace(' ', '%20'), full],
  ['ssl-mode=VERIFY_IDENTITY', full],
  ['ssl={"rejectUnauthorized":true}', full],
  ['sslaccept=strict', full],
  [`sslmode=require&sslrootcert=${certificateFile}`, ca],
  [`sslrootcert=${certificateFile}`, full],
  [`ssl_ca=${certificateFile}&ssl_cert=${certificateFile}&ssl_key=${certificateFile}`, full],
  ['sslmode=verify-full&ssl_min_protocol_version=TLSv1.3', { ...full, minVersion: 'TLSv1.3' }],
])('?%s', (query, tls) => {
  for (const scheme of ['postgres', 'mysql']) {
    const found = parseDatabaseUrl(`${scheme}://u:p@h/x?${query}`).tls;
    if (tls === false) expect(found).toBe(false);
    else expect(found).toMatchObject(tls);
  }
});

test('channel_binding=require, as hosted PostgreSQL has it, checks whose certificate it is', () => {
  const { tls, driver } = parseDatabaseUrl('postgres://u:p@h/x?sslmode=require&channel_binding=require');
  expect([tls, driver]).toEqual([full, { enableChannelBinding: true }]);
});

function problems(environment: RawEnvironment): string {
  try {
    loadConfig(environment, features);
    return 'none';
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}

const refusedOptions: [string, string][] = [
  ['sslmod=require', 'sslmod'],
  ['sslmode=requird', 'sslmode'],
  ['ssl=maybe', 'ssl'],
  ['sslmode=disable&ssl=true', 'sslmode'],
  ['sslmode=require&sslmode=disable', 'sslmode twice'],
  ['sslmode=require&ssl-mode=DISABLED', 'ssl-mode twice'],
  ['sslcert=/nowhere/client.pem', 'sslcert'],
  [`sslrootcert=/nowhere/ca.pem`, 'sslrootcert'],
  [`sslrootcert=${__filename}`, 'sslrootcert'],
  [`sslcert=${certificateFile}&sslkey=${__filename}`, 'sslkey'],
  ['ssl={"ca":"x"}', 'ssl'],
  ['trustCertificateKeyStoreUrl=file:x', 'trustCertificateKeyStoreUrl'],
  ['sslcrl=/x', 'sslcrl'],
  ['gssencmode=require', 'gssencmode'],
  ['connection_limit=5', 'connection_limit'],
  ['host=/var/run/postgresql', 'host'],
  ['ssl_min_protocol_version=TLSv9', 'ssl_min_protocol_version'],
  ['sslmode=require#x', '%23'],
];
test.each(refusedOptions)('?%s is refused, naming %s', (query, named) => {
  for (const scheme of ['postgres', 'mysql']) {
    for (const name of ['DATABASE_URL', 'DB_URL', 'USERS_DATABASE_URL']) {
      const told = problems({ [name]: `${scheme}://u:hunter2@h/x?${query}` });
      expect(told).toContain(`  ${name}: `);
      expect(told).toContain(named);
      expect(told).not.toContain('hunter2');
    }
  }
});

test('so is an option of a Go DSN', () => {
  expect(problems({ MYSQL_DSN: 'u:hunter2@tcp(h:3306)/x?tls=custom' })).toMatch(/^ {2}MYSQL_DSN: .*tls/m);
  expect(problems({ MYSQL_DSN: 'u:hunter2@tcp(h:3306)/x?tsl=true' })).toMatch(/^ {2}MYSQL_DSN: .*tsl/m);
  expect(problems({ MYSQL_DSN: 'u:hunter2@tcp(h:3306)/x?charset=utf8mb4&parseTime=True&loc=Local' })).toBe('none');
});

test('so is one of Redis', () => {
  expect(problems({ REDIS_URL: 'redis://:hunter2@h:6379?tsl=true' })).toMatch(/^ {2}REDIS_URL: .*tsl/m);
  expect(problems({ LOCK_REDIS_URLS: 'redis://a,redis://:hunter2@b?x=1' })).toMatch(/^ {2}LOCK_REDIS_URLS: .*x/m);
  expect(problems({ ETCD_ENDPOINTS: 'https://h:2379?x=1' })).toMatch(/^ {2}ETCD_ENDPOINTS: /m);
});

test.each([
  ['postgres://u:50%off@h/x', '%25'],
  ['mysql://u:100%@h/x', '%25'],
  ['postgres://u:p@h/x%', '%25'],
  ['postgres://u%:p@h/x', '%25'],
  ['postgres://u:pa#ss@h/x', '%23'],
  ['postgres://u:pa/ss@h/x', '%2F'],
  ['postgres://h1,h2/x', 'one host'],
  ['postgres://', 'one host'],
  ['mysql://u:p@10.0.0.1/x?tls=true', 'host name'],
  ['postgres://u:p@h/x?options=%zz', '%25'],
])('%s is refused in words that help', (url, words) => {
  const told = problems({ DATABASE_URL: url });
  expect(told).toMatch(/^ {2}DATABASE_URL: /m);
  expect(told).toContain(words);
  expect(told).not.toMatch(/off|100%|pa[#/]ss/);
});

test('a % in the password of Redis is refused, too', () => {
  expect(problems({ REDIS_URL: 'redis://:50%off@h' })).toMatch(/^ {2}REDIS_URL: .*%25/m);
});

test('what looks like an option and is the rest of a password is not told', () => {
  expect(problems({ DATABASE_URL: 'postgres://u?:hunter2@h/x' })).not.toContain('hunter2');
});

test.each([
  ['sqlite:name.db', 'name.db'],
  ['sqlite://name.db', 'name.db'],
  ['sqlite://./data/name.db', './data/name.db'],
  ['sqlite:///var/name.db', '/var/name.db'],
  ['sqlite:/var/name.db', '/var/name.db'],
  ['sqlite::memory:', ':memory:'],
  ['sqlite://:memory:', ':memory:'],
])('%s is the file %s', (url, path) => expect(parseDatabaseUrl(url)).toMatchObject({ kind: 'sqlite', path }));

test.each(['sqlite:', 'sqlite://', 'sqlite:///', 'sqlite:data/', 'sqlite:a.db?mode=ro', 'sqlite:file:a.db'])(
  '%s is refused',
  (url) => expect(problems({ DATABASE_URL: url })).toMatch(/^ {2}DATABASE_URL: /m),
);
