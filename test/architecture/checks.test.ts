import { inspect, type Tree } from './planted';

interface Case {
  /** What the tree shows. */
  readonly shows: string;
  readonly tree: Tree;
  /** What each problem contains, in order; none: the tree is clean. */
  readonly problems: readonly string[];
}

const tick = (count: number) => 'tick();\n'.repeat(count);
const file = (path: string, text: string, ...problems: string[]): Case => {
  const line = text.replace(/\s+/g, ' ').trim();
  const shown = line.length > 70 ? `${line.slice(0, 70)}...` : line;
  return { shows: `${problems.length > 0 ? 'refuses' : 'allows'} ${path}: ${shown}`, tree: { [path]: text }, problems };
};
const tree = (shows: string, files: Tree, ...problems: string[]): Case => ({ shows, tree: files, problems });

/** Runs one of checks/ on every tree and compares what it finds with what was planted. */
function suite(check: string, cases: readonly Case[]): void {
  describe(check, () => {
    let found: string[][];
    beforeAll(async () => {
      const trees = cases.map((one) => one.tree);
      found = await inspect(check, trees);
    }, 60_000);

    it.each(cases.map((one, index) => ({ ...one, index })))('$shows', ({ problems, index }) => {
      expect(found[index]).toEqual(problems.map((problem) => expect.stringContaining(problem)));
    });
  });
}

suite('budgets', [
  file('src/shared/a/a.ts', tick(300)),
  file('src/shared/a/a.ts', tick(301), 'a.ts: 301 lines'),
  file('test/a.test.ts', tick(301), 'a.test.ts: 301 lines'),
  file('src/generated/a.ts', tick(301)),
  file('src/main.ts', tick(21), 'main.ts: 21 lines'),
  file('src/shared/a/a.ts', `export function a() {\n${tick(48)}}`),
  file('src/shared/a/a.ts', `export function a() {\n${tick(49)}}`, 'a.ts:1 a: 51 lines'),
  file('src/shared/a/a.ts', `export const a = () => {\n${tick(49)}};`, 'a.ts:1 function: 51 lines'),
  file('src/shared/a/a.ts', `@B(\n${'1,\n'.repeat(60)})\nclass A { b() {} }`),
  file('src/shared/a/a.ts', `class A {\n  @B()\n  b() {\n${tick(49)}}\n}`, 'a.ts:2 b: 51 lines'),
  file('test/a.test.ts', `describe('a', () => {\n${tick(60)}});`),
  file('test/a.test.ts', `describe.each([1])('a', () => {\n${tick(60)}});`),
  file('test/a.test.ts', `it('a', () => {\n${tick(60)}});`, 'a.test.ts:1 function: 62 lines'),
  file('src/shared/a/a.ts', 'class A { constructor(a: B, b: B, c: B, d: B, e: B, f: B, g: B) {} }'),
  file(
    'src/shared/a/a.ts',
    'class A { constructor(a: B, b: B, c: B, d: B, e: B, f: B, g: B, h: B) {} }',
    'a.ts:1 constructor: 8 things',
  ),
  file('src/features/a/a.http.controller.ts', 'class A { @Get() b() { return 1; } }'),
  file(
    'src/features/a/a.http.controller.ts',
    'class A { @Get() b() { tick(); return 1; } }',
    'b: a controller method is one',
  ),
]);

suite('environment', [
  file('src/main.ts', 'start(process.env);'),
  file('src/shared/config/config.ts', 'export const a = process.env.A;'),
  file('test/a.test.ts', 'export const a = process.env.A;'),
  file('src/shared/a/a.ts', 'export const a = request.env;'),
  file('src/shared/a/a.ts', 'export const a = process.env.A;', 'a.ts:1: the environment is read in'),
  file('src/shared/a/a.ts', "export const a = process['env'].A;", 'a.ts:1: the environment'),
  file('src/client/a.ts', 'const { env } = process;', 'a.ts:1: the environment'),
  file('src/client/a.ts', 'export const a = globalThis.process.env;', 'a.ts:1: the environment'),
  file('src/features/a/a.service.ts', "import { env } from 'node:process';", 'a.service.ts:1: the environment'),
]);

suite('queries', [
  file('src/features/a/a.repository.ts', "db.query('select * from a');"),
  file('src/features/a/a.migrations.ts', "db.query('create table a (b text)');"),
  file('src/shared/db/sqlite.db.ts', "db.query('pragma journal_mode = wal');"),
  file(
    'src/shared/a/a.ts',
    "batch.run('a'); page.rows; request.query; say('select a player', 'update failed', 'with care');",
  ),
  file('src/features/a/a.service.ts', "db.query('call a()');", '.query(...) belongs into a repository'),
  file('src/features/a/a.service.ts', 'a.createQueryBuilder();', '.createQueryBuilder(...) belongs'),
  file('src/features/a/a.service.ts', 'db.rows(`select a\n  from b`);', 'a.service.ts:1: SQL'),
  file('src/shared/a/a.ts', "db.run('INSERT INTO a VALUES (1)');", 'a.ts:1: SQL'),
  file('src/shared/a/a.ts', "const a = 'update a set b = 1';", 'a.ts:1: SQL'),
  file('src/shared/a/a.ts', "const a = 'delete from a';", 'a.ts:1: SQL'),
  file('src/shared/a/a.ts', 'const a = sql`with b as (select 1) select * from b`;', 'a.ts:1: SQL'),
]);

// Spelled so that this file is not found itself.
const later = ['TO', 'DO'].join('');
const broken = ['FIX', 'ME'].join('');
suite('unfinished', [
  file('src/shared/a/a.ts', "export const todo = 'fix me';"),
  file('test/a.test.ts', "it.each([1])('a', () => {}); list.skip(1);"),
  file('src/shared/a/a.ts', `// ${later}: later`, `a.ts:1: // ${later}`),
  file('proto/a.proto', `\n// ${broken}`, 'a.proto:2'),
  file('README.md', `${later} write this`, 'README.md:1'),
  file('src/generated/a.ts', `// ${later}: theirs`),
  file('test/a.test.ts', "it.skip('a', () => {});", 'a.test.ts:1: it.skip'),
  file('test/a.test.ts', "it.only('a', () => {});", 'it.only'),
  file('test/a.test.ts', "describe.only.each([1])('a', () => {});", 'describe.only'),
  file('test/a.test.ts', "(has ? describe : describe.skip)('a', () => {});", 'describe.skip'),
  file('test/a.test.ts', "xit('a', () => {});", 'a.test.ts:1: xit'),
  file('test/a.test.ts', "test.todo('a');", 'test.todo'),
]);

suite('names', [
  tree(
    'refuses the name of a feature in what all stand on, in every spelling',
    {
      'src/features/event-hub/event-hub.api.ts': 'export class EventHubApi {}',
      'src/features/auth/auth.api.ts': 'export class AuthApi {}',
      'src/shared/auth/auth.ts': "export const authRequired = 'AUTH_REQUIRED';",
      'src/shared/a/a.ts':
        "// event-hub\nexport const a = ['event-hub', 'aerie.event_hub.v1', 'EVENT_HUB_URL', 'auth'];",
      'src/shared/a/b.ts': 'export const eventHubUrl = 1;',
      'src/features/auth/auth.b.ts': "export const b = 'event-hub';",
    },
    'names the feature event-hub: event-hub',
    'names the feature event-hub: aerie.event_hub.v1',
    'names the feature event-hub: EVENT_HUB_URL',
    'names the feature auth: auth',
    'names the feature event-hub: eventHubUrl',
  ),
  tree(
    'refuses two classes of one name',
    {
      'src/features/a/a.b.ts': 'export class Pruner {}',
      'src/features/c/c.d.ts': 'export class Pruner {}\nclass Own {}',
    },
    'Pruner is a class of src/features/a/a.b.ts, too',
  ),
]);

suite('timing', [
  file('test/a.test.ts', 'expect(performance.now() - began).toBeGreaterThan(100);'),
  file('test/a.test.ts', 'expect(expiresAt - Date.now()).toBeLessThan(1000); expect(groups.length).toBeLessThan(5);'),
  file('test/a.test.ts', 'const ms = performance.now() - began; expect({ ms: 1 }).toEqual({ ms: 1 });'),
  file('test/a.test.ts', 'await eventually(check); await eventually(check, 60_000);'),
  file('test/a.test.ts', 'expect(performance.now() - began).toBeLessThan(1000);', 'a.test.ts:1: a bound on time'),
  file('test/a.test.ts', 'expect((Date.now() - began) / 10).toBeLessThanOrEqual(5);', 'a bound on time'),
  file('test/a.test.ts', 'const took = Date.now() - began; expect(took).toBeLessThan(5);', 'a bound on time'),
  file(
    'test/a.test.ts',
    'const ms = Date.now() - a; expect([ms > 4, ms < 9]).toEqual([true, true]);',
    'a bound on time',
  ),
  file(
    'test/a.test.ts',
    'times.push(performance.now() - began);\nconst most = Math.max(...times);\nexpect(most).toBeLessThan(5);',
    'a.test.ts:3: a bound on time',
  ),
  file(
    'test/a.test.ts',
    'async function took() { return performance.now() - began; }\nexpect(await took()).toBeLessThan(5);',
    'a.test.ts:2: a bound on time',
  ),
  tree(
    'refuses a bound on what another file has measured',
    {
      'test/support/a.ts': 'export const ask = () => ({ took: performance.now() - began });',
      'test/a.test.ts': 'const { took } = ask(); expect(took).toBeLessThan(5);',
    },
    'a.test.ts:1: a bound on time',
  ),
  file('test/a.test.ts', 'await eventually(async () => look(), 3000);', 'a.test.ts:1: eventually(...) waits'),
]);

suite('wire-errors', [
  file('src/features/a/a.service.ts', "import { Injectable } from '@nestjs/common';"),
  file(
    'src/features/a/a.service.ts',
    "import { Injectable, NotFoundException } from '@nestjs/common';",
    'NotFoundException',
  ),
  file(
    'src/features/a/a.service.ts',
    "import { RpcException as E } from '@nestjs/microservices';",
    'RpcException as E',
  ),
  file('src/shared/contract/contract.ts', "import { HttpException } from '@nestjs/common';"),
]);

suite('layout', [
  tree('allows the layout', {
    'src/main.ts': '',
    'src/features/index.ts': '',
    'src/features/events-gateway/events-gateway.http.controller.ts': '',
    'src/features/ticketing/queue/queue.service.ts': '',
    'src/features/users/users.page.html': '',
    'src/features/users/users.page.css': '',
    'src/features/users/users.page.list.js': '',
    'src/shared/lock/memory.lock.ts': '',
    'src/client/aerie.ts': '',
    'test/app/app.test.ts': '',
    '.env.example': '',
    'README.ko.md': '',
  }),
  file('jest.config.js', '', 'jest.config.js: the top level'),
  file('src/server.ts', '', 'src/server.ts: src holds'),
  file('src/shared/utils/text.ts', '', '"utils" says nothing'),
  file('src/shared/lock/helpers.ts', '', '"helpers.ts" says nothing'),
  file('src/shared/lock/types.ts', '', '"types.ts" says nothing'),
  file('src/shared/lock/index.ts', '', 'no barrels'),
  file('src/shared/lock/redis/redis.lock.ts', '', 'flat'),
  file('src/shared/lock.ts', '', 'flat'),
  file('src/shared/lock/memoryLock.ts', '', 'lower-case-with-dashes'),
  file('src/features/users/users/users.service.ts', '', 'a feature is flat'),
  file('src/features/users/service.ts', '', 'files of users are called users.<kind>.ts'),
  file('src/features/users.service.ts', '', 'one folder per feature'),
  file('src/features/users/users.service.js', '', 'src holds TypeScript'),
  file('src/features/users/users.page.a.b.js', '', 'src holds TypeScript'),
  file('src/features/users/users.page.json', '', 'src holds TypeScript'),
  file('src/features/users/a.page.html', '', 'files of users are called users.<kind>.ts'),
  file('src/shared/http/http.page.html', '', 'src holds TypeScript'),
]);

suite('promises', [
  file(
    'src/shared/a/a.ts',
    'declare function a(): Promise<void>;\nexport async function b() { await a(); void a(); a().catch(() => {}); return a(); }',
  ),
  file('src/shared/a/a.ts', 'declare const log: { info(): void };\nlog.info();'),
  file('src/shared/a/a.ts', 'declare function a(): Promise<void>;\na();', 'a.ts:2: nobody waits for a();'),
  file('src/shared/a/a.ts', 'declare const a: { b?(): Promise<void> };\na.b?.();', 'a.ts:2: nobody waits'),
  file('src/shared/a/a.ts', 'declare function a(): Promise<void>;\na().finally(() => {});', 'a.ts:2: nobody waits'),
  file(
    'src/shared/a/a.ts',
    'declare function a(): Promise<void>;\nfunction b() { try { return 1; } finally { void a(); } }\nfunction c() { return a(); }',
  ),
  file(
    'src/shared/a/a.ts',
    'declare function a(): Promise<void>;\nasync function b(d: Disposable) { using c = d; return a(); }',
    'a.ts:2: the block is left before this is done',
  ),
  file(
    'src/shared/a/a.ts',
    'declare function a(): Promise<void>;\nasync function b() { try { return a(); } catch { return; } }',
    'a.ts:2: the block is left',
  ),
  file(
    'src/shared/a/a.ts',
    'declare function a(): Promise<void>;\nasync function b(d: AsyncDisposable) { await using c = d; return await a(); }',
  ),
  tree(
    'sees promises across files',
    {
      'src/shared/a/a.ts': 'export class A { async b(): Promise<void> {} }',
      'src/shared/a/c.ts': "import { A } from './a';\nnew A().b();",
    },
    'c.ts:2: nobody waits',
  ),
]);

const api = (feature: string) => `import { A } from '../${feature}/${feature}.api';`;
suite('cycles', [
  tree('allows a call one way and news the other', {
    'src/features/a/a.service.ts': api('b'),
    'src/features/b/b.listener.ts': "import { A } from '../a/a.events';",
  }),
  tree(
    'refuses two features that call each other',
    {
      'src/features/a/a.service.ts': api('b'),
      'src/features/b/b.worker.ts': api('a').replace('import', 'import type'),
    },
    'features: a -> b -> a (src/features/a/a.service.ts, src/features/b/b.worker.ts)',
  ),
  tree(
    'refuses a longer way round',
    {
      'src/features/a/a.service.ts': api('b'),
      'src/features/b/b.service.ts': api('c'),
      'src/features/c/c.service.ts': api('a'),
    },
    'features: a -> b -> c -> a',
  ),
  tree(
    'refuses two mechanisms that stand on each other',
    {
      'src/shared/a/a.ts': "import { B } from '../b/b';",
      'src/shared/b/b.ts': '',
      'src/shared/b/c.ts': "export * from '../a/a';",
    },
    'shared: a -> b -> a',
  ),
]);
