import { authContract as auth } from '../../../src/features/auth/auth.api';
import { AuthRepository } from '../../../src/features/auth/auth.repository';
import { fairnessContract as fairness } from '../../../src/features/fairness/fairness.api';
import { usersContract as users } from '../../../src/features/users/users.api';
import { type Role, type Standing, StandingRegistry } from '../../../src/shared/auth/standing';
import { currentContext, runInContext } from '../../../src/shared/tracing/request-context';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { HandClock } from '../../support/hand-clock';
import { manyAddresses, type Player, register } from '../../support/players';
import { openApp, type TestApp } from '../../support/wires';

// What an account is worth is asked for once a second, and whoever changes it takes it back at once.

describe('registry', () => {
  let clock: HandClock;
  let registry: StandingRegistry;
  let reads: { readonly jti: string; answer(role: Role | undefined): void; fail(error: unknown): void }[];

  beforeEach(() => {
    clock = new HandClock();
    registry = new StandingRegistry(clock);
    reads = [];
    const roleOf = (_userId: string, jti: string) =>
      new Promise<Role | undefined>((answer, fail) => reads.push({ jti, answer, fail }));
    registry.register({ roleOf } as Standing);
  });

  test('all who ask at once share one read, and so do those who come within a second of its beginning', async () => {
    const asked = [registry.roleOf('ada', '1'), registry.roleOf('ada', '1')];
    clock.at = 999;
    reads[0]?.answer('admin');
    asked.push(registry.roleOf('ada', '1'));
    expect(await Promise.all(asked)).toEqual(['admin', 'admin', 'admin']);
    expect(reads).toHaveLength(1);
    clock.at = 1000;
    const later = registry.roleOf('ada', '1');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(undefined);
    expect(await later).toBeUndefined();
    expect(await registry.roleOf('ada', '1')).toBeUndefined();
    expect(reads).toHaveLength(2);
  });

  test('each token of each user is another question', async () => {
    for (const [user, token] of [
      ['ada', '1'],
      ['ada', '2'],
      ['bob', '1'],
    ] as const)
      void registry.roleOf(user, token);
    expect(reads.map(({ jti }) => jti)).toEqual(['1', '2', '1']);
  });

  test('a read that began before something changed answers nobody who comes after, however late it ends', async () => {
    const before = registry.roleOf('ada', '1');
    registry.forget('ada');
    const after = registry.roleOf('ada', '1');
    expect(reads).toHaveLength(2);
    reads[1]?.answer(undefined);
    expect(await after).toBeUndefined();
    reads[0]?.answer('admin');
    expect(await before).toBe('admin');
    expect(await registry.roleOf('ada', '1')).toBeUndefined();
    expect(reads).toHaveLength(2);
  });

  test('what is forgotten of one user stays of the others', async () => {
    for (const user of ['ada', 'bob']) void registry.roleOf(user, '1');
    registry.forget('ada');
    void registry.roleOf('bob', '1');
    expect(reads).toHaveLength(2);
  });

  test('an error is told to all who shared the read, and not kept', async () => {
    const both = [registry.roleOf('ada', '1'), registry.roleOf('ada', '1')];
    reads[0]?.fail(new Error('away'));
    expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = registry.roleOf('ada', '1');
    expect(reads).toHaveLength(2);
    reads[1]?.answer('player');
    expect(await next).toBe('player');
  });

  test('a late error of an older read leaves the newer one alone', async () => {
    const old = registry.roleOf('ada', '1');
    clock.at = 1500;
    const next = registry.roleOf('ada', '1');
    reads[0]?.fail(new Error('away'));
    await expect(old).rejects.toThrow('away');
    reads[1]?.answer('player');
    expect(await next).toBe('player');
    expect(await registry.roleOf('ada', '1')).toBe('player');
    expect(reads).toHaveLength(2);
  });

  test('it remembers 8 tokens of a user and 10,000 users, those that were asked for last', () => {
    for (let token = 0; token <= 8; token += 1) void registry.roleOf('ada', String(token));
    void registry.roleOf('ada', '8');
    void registry.roleOf('ada', '1');
    expect(reads).toHaveLength(9);
    void registry.roleOf('ada', '0');
    expect(reads).toHaveLength(10);
    for (let user = 0; user < 10_000; user += 1) void registry.roleOf(String(user), '1');
    void registry.roleOf('0', '1');
    expect(reads).toHaveLength(10_010);
    void registry.roleOf('ada', '8');
    expect(reads).toHaveLength(10_011);
  });

  test('the read runs as nobody: its answer is for many', async () => {
    let seen: unknown = 'unasked';
    const roleOf = async () => {
      seen = currentContext();
      return 'player' as const;
    };
    registry.register({ roleOf });
    await runInContext({ traceId: 'of-one' }, () => registry.roleOf('ada', '1'));
    expect(seen).toBeUndefined();
  });
});

describe.each(everyDatabase)('$name', ({ create }) => {
  let database: TestDatabase;
  let app: TestApp;
  beforeAll(async () => {
    database = await create();
    app = await openApp(database.url, manyAddresses);
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  describe.each(['http', 'grpc'] as const)('%s', (wire) => {
    const other = wire === 'http' ? 'grpc' : 'http';
    const codes = async (player: Player) => [
      (await app[wire].call(fairness, 'listRules', {}, player.headers)).code,
      (await app[other].call(users, 'getUser', { id: player.id }, player.headers)).code,
    ];

    test('what changes a standing holds on both wires once it is answered, however well the standing is known', async () => {
      const player = await register(app, `standing-${wire}@example.com`, wire);
      const set = (role: Role) => app[wire].call(auth, 'setRole', { userId: player.id, role });
      const player0 = await codes(player);
      await set('admin');
      const admin = await codes(player);
      await set('player');
      expect([player0, admin, await codes(player)]).toEqual([
        ['forbidden', 'ok'],
        ['ok', 'ok'],
        ['forbidden', 'ok'],
      ]);
      const session = await app[wire].call(auth, 'logout', {}, player.headers);
      expect([session.code, ...(await codes(player))]).toEqual(['ok', 'token_invalid', 'token_invalid']);
      const next = await register(app, `deleted-${wire}@example.com`, wire);
      expect(await codes(next)).toEqual(['forbidden', 'ok']);
      await app[other].call(users, 'deleteUser', { id: next.id });
      expect(await codes(next)).toEqual(['token_invalid', 'token_invalid']);
    });

    test('calls with one token ask for the account once', async () => {
      const player = await register(app, `once-${wire}@example.com`, wire);
      const roleOf = jest.spyOn(AuthRepository.prototype, 'roleOf');
      // However slow the machine is, the second does not pass.
      const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now());
      await Promise.all(Array.from({ length: 20 }, () => codes(player)));
      const asked = roleOf.mock.calls.filter(([userId]) => userId === player.id);
      clock.mockRestore();
      roleOf.mockRestore();
      expect(asked).toHaveLength(1);
    });
  });
});
