import { request } from 'undici';
import { authContract as auth } from '../../../src/features/auth/auth.api';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { metricSum } from '../../support/metrics';
import { fromElsewhere, manyAddresses, password, register } from '../../support/players';
import { type Outcome, openApp, type TestApp } from '../../support/wires';

// SPEC 1: a minute's tries: 5 per account and address, 20 per address, 100 per account.

let database: TestDatabase;
let app: TestApp;

beforeAll(async () => {
  database = await (everyDatabase[0] as (typeof everyDatabase)[number]).create();
});
afterAll(() => database[Symbol.asyncDispose]());
// Counts begin anew.
beforeEach(async () => {
  app = await openApp(database.url, manyAddresses);
});
afterEach(() => app[Symbol.asyncDispose]());

type Wire = 'http' | 'grpc';

const login = (wire: Wire, email: string, from: Record<string, string>): Promise<Outcome> =>
  app[wire].call(auth, 'login', { email, password: 'a wrong password' }, from);

async function codes(count: number, once: (i: number) => Promise<Outcome>): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i += 1) found.push((await once(i)).code);
  return found;
}

const wrong = (count: number): string[] => new Array<string>(count).fill('credentials_invalid');

describe.each(['http', 'grpc'] as const)('%s', (wire) => {
  test('the sixth try for an account from one address is refused, however it is spelled; others are not', async () => {
    const [here, there] = [fromElsewhere(), fromElsewhere()];
    const spellings = ['Victim@example.com', 'victim@EXAMPLE.com', 'victim@example.com'];
    const tried = await codes(7, (i) => login(wire, spellings[i % 3] as string, here));
    expect(tried).toEqual([...wrong(5), 'rate_limited', 'rate_limited']);
    const refused = await login(wire, 'victim@example.com', here);
    expect([[429, 8].includes(refused.status), refused.retryAfter]).toEqual([true, true]);
    expect(await codes(1, () => login(wire, 'victim@example.com', there))).toEqual(wrong(1));
    expect(await codes(1, () => login(wire, 'other@example.com', here))).toEqual(wrong(1));
    // The wires count together.
    const other = wire === 'http' ? 'grpc' : 'http';
    expect((await login(other, 'victim@example.com', here)).code).toBe('rate_limited');
  });

  test('the 21st try from one address is refused, whoever it is for; registering counts, too', async () => {
    const from = fromElsewhere();
    const name = 'Player';
    const tried = await codes(22, (i) =>
      i % 2 === 0
        ? login(wire, `spray-${i}@example.com`, from)
        : app[wire].call(auth, 'register', { name, email: `${wire}-${i}@example.com`, password }, from),
    );
    expect(tried.slice(0, 20)).not.toContain('rate_limited');
    expect(tried.slice(20)).toEqual(['rate_limited', 'rate_limited']);
  });

  test('the 101st try for an account is refused, from wherever', async () => {
    const tried: string[] = [];
    // Few at once: each is to be served before its time is over on a busy machine, too.
    for (let round = 0; round < 25; round += 1) {
      const some = Array.from({ length: 4 }, () => login(wire, 'famous@example.com', fromElsewhere()));
      tried.push(...(await Promise.all(some)).map(({ code }) => code));
    }
    expect(tried).toEqual(wrong(100));
    expect((await login(wire, 'famous@example.com', fromElsewhere())).code).toBe('rate_limited');
  });

  test('who has one address of an IPv6 network has all of it', async () => {
    const from = (host: number, network: string) => ({
      'x-forwarded-for': `2001:db8:${network}::${host.toString(16)}`,
    });
    const tried = await codes(6, (i) => login(wire, 'v6@example.com', from(i + 1, '0:1')));
    expect(tried).toEqual([...wrong(5), 'rate_limited']);
    expect((await login(wire, 'v6@example.com', from(1, '0:2'))).code).toBe('credentials_invalid');
  });

  test('a refused try is neither hashed nor looked up', async () => {
    const from = fromElsewhere();
    await codes(5, () => login(wire, 'cheap@example.com', from));
    const before = await metricSum(app.url, 'auth_hash_duration_seconds_count');
    await codes(20, () => login(wire, 'cheap@example.com', from));
    expect(await metricSum(app.url, 'auth_hash_duration_seconds_count')).toBe(before);
    expect(await metricSum(app.url, 'auth_logins_total{result="throttled"')).toBe(20);
  });
});

test('answers tell what is left, also those that refuse; sessions are not to be kept', async () => {
  await register(app, 'headers@example.com');
  const from = fromElsewhere();
  const send = async (secret: string) => {
    const answer = await request(`${app.url}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...from },
      body: JSON.stringify({ email: 'headers@example.com', password: secret }),
    });
    await answer.body.dump();
    return answer;
  };
  const policy = '"address";q=20;w=60, "account-address";q=5;w=60, "account";q=100;w=60';
  const good = await send(password);
  expect([good.statusCode, good.headers['cache-control']]).toEqual([200, 'no-store']);
  expect(good.headers['ratelimit-policy']).toBe(policy);
  expect(good.headers.ratelimit).toMatch(
    /^"address";r=19;t=60, "account-address";r=4;t=60, "account";r=98;t=(60|59|58)$/,
  );
  const bad = await send('a wrong password');
  expect([bad.statusCode, bad.headers['ratelimit-policy']]).toEqual([401, policy]);
  for (let i = 0; i < 3; i += 1) await send('a wrong password');
  const over = await send(password);
  expect(over.statusCode).toBe(429);
  expect(over.headers.ratelimit).toMatch(/^"address";r=14;t=\d\d, "account-address";r=0;t=\d\d$/);
  expect(Number(over.headers['retry-after'])).toBeGreaterThan(30);
});
