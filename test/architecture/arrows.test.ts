import { dirname, relative } from 'node:path/posix';
import { inspect, type Tree } from './planted';

const users = 'src/features/users/users';
const chat = 'src/features/chat/chat';

/** The rule that must speak up, and the import that it forbids. */
const violations: [rule: string, from: string, to: string][] = [
  ['main', 'src/main.ts', 'src/app.module.ts'],
  ['main', 'src/main.ts', 'src/shared/db/db.ts'],
  ['app', 'src/app.ts', 'src/features/index.ts'],
  ['app-module', 'src/app.module.ts', `${users}.module.ts`],
  ['features-index', 'src/features/index.ts', `${users}.service.ts`],
  ['client', 'src/client/client.ts', `${users}.service.ts`],
  ['client', 'src/client/client.ts', 'src/shared/config/config.ts'],
  ['shared', 'src/shared/contract/contract.ts', `${users}.api.ts`],
  ['shared', 'src/shared/contract/contract.ts', 'src/app.module.ts'],
  ['shared', 'src/shared/contract/contract.ts', 'src/client/client.ts'],
  ['generated', 'src/generated/users.ts', 'src/shared/contract/contract.ts'],
  ['test', 'src/shared/contract/contract.ts', 'test/support/app.ts'],
  ['feature-isolation', `${users}.module.ts`, `${chat}.module.ts`],
  ['feature-isolation', `${users}.repository.ts`, `${chat}.entity.ts`],
  ['feature-isolation', `${users}.sessions.ts`, `${chat}.service.ts`],
  ['feature-upward', `${users}.module.ts`, 'src/app.module.ts'],
  ['feature-upward', `${users}.sessions.ts`, 'src/client/client.ts'],
  ['feature-upward', `${users}.module.ts`, 'src/features/index.ts'],
  ['controller', `${users}.http.controller.ts`, `${users}.service.ts`],
  ['controller', `${users}.http.controller.ts`, `${users}.repository.ts`],
  ['controller', `${users}.http.controller.ts`, `${users}.entity.ts`],
  ['controller', `${users}.http.controller.ts`, `${chat}.api.ts`],
  ['controller', `${users}.grpc.controller.ts`, 'src/shared/db/db.ts'],
  ['controller', `${users}.grpc.controller.ts`, 'src/shared/redis/redis.ts'],
  ['controller', `${users}.grpc.controller.ts`, 'src/shared/lock/lock.ts'],
  ['controller', `${users}.grpc.controller.ts`, 'src/shared/bus/bus.ts'],
  ['dto', `${users}.dto.ts`, `${users}.service.ts`],
  ['dto', `${users}.dto.ts`, 'src/shared/db/db.ts'],
  ['service', `${users}.service.ts`, `${users}.dto.ts`],
  ['service', `${users}.service.ts`, `${users}.http.controller.ts`],
  ['service', `${users}.service.ts`, `${users}.worker.ts`],
  ['service', `${users}.service.ts`, `${chat}.service.ts`],
  ['service', `${users}.service.ts`, `${chat}.events.ts`],
  ['repository', `${users}.repository.ts`, `${users}.service.ts`],
  ['repository', `${users}.repository.ts`, `${users}.dto.ts`],
  ['repository', `${users}.repository.ts`, 'src/shared/contract/contract.ts'],
  ['repository', `${users}.repository.ts`, 'src/shared/bus/bus.ts'],
  ['listener', `${users}.listener.ts`, `${users}.repository.ts`],
  ['worker', `${users}.worker.ts`, `${users}.dto.ts`],
  ['worker', `${users}.worker.ts`, `${chat}.service.ts`],
  ['leaf', `${users}.errors.ts`, `${users}.service.ts`],
  ['leaf', `${users}.metrics.ts`, `${users}.repository.ts`],
  ['leaf', `${users}.entity.ts`, `${users}.dto.ts`],
  ['leaf', `${users}.migrations.ts`, `${users}.repository.ts`],
  ['api', `${users}.api.ts`, `${users}.service.ts`],
  ['api', `${users}.api.ts`, `${chat}.api.ts`],
  ['api', `${users}.api.ts`, 'src/shared/errors/errors.ts'],
  ['events', `${users}.events.ts`, `${users}.entity.ts`],
  ['events', `${users}.events.ts`, 'src/shared/contract/contract.ts'],
  ['telling-name', `${users}.sessions.ts`, `${users}.http.controller.ts`],
  ['no-wire-below-controllers', `${users}.service.ts`, '@grpc/grpc-js'],
  ['no-wire-below-controllers', `${users}.service.ts`, '@nestjs/microservices'],
  ['no-wire-below-controllers', `${users}.service.ts`, 'node:http'],
  ['no-wire-below-controllers', `${users}.repository.ts`, 'fastify'],
  ['no-wire-below-controllers', `${users}.repository.ts`, '@nestjs/platform-fastify'],
  ['no-driver-in-features', `${users}.service.ts`, 'typeorm'],
  ['no-driver-in-features', `${users}.http.controller.ts`, 'ioredis'],
  ['no-driver-in-features', 'src/client/client.ts', 'etcd3'],
  ['no-raw-driver-in-features', `${users}.repository.ts`, 'pg'],
  ['no-raw-driver-in-features', `${users}.module.ts`, 'mysql2/promise'],
  ['contract-packages', `${users}.api.ts`, '@nestjs/common'],
  ['contract-packages', `${users}.events.ts`, 'zod'],
];

/** One of every kind that is allowed; together they must be silent. */
const legal: [from: string, to: string][] = [
  ['src/main.ts', 'src/app.ts'],
  ['src/main.ts', 'src/shared/config/config.ts'],
  ['src/app.ts', 'src/app.module.ts'],
  ['src/app.ts', 'src/shared/contract/contract.ts'],
  ['src/app.module.ts', 'src/features/index.ts'],
  ['src/features/index.ts', `${users}.module.ts`],
  ['src/features/index.ts', `${users}.api.ts`],
  [`${users}.module.ts`, `${users}.http.controller.ts`],
  [`${users}.module.ts`, `${users}.repository.ts`],
  [`${users}.module.ts`, '@nestjs/typeorm'],
  [`${users}.http.controller.ts`, `${users}.dto.ts`],
  [`${users}.http.controller.ts`, `${users}.api.ts`],
  [`${users}.grpc.controller.ts`, `${users}.watch.ts`],
  [`${users}.http.controller.ts`, 'src/shared/contract/contract.ts'],
  [`${users}.http.controller.ts`, 'fastify'],
  [`${users}.grpc.controller.ts`, '@nestjs/microservices'],
  [`${users}.dto.ts`, 'src/generated/users.ts'],
  [`${users}.dto.ts`, `${users}.names.ts`],
  [`${users}.service.ts`, `${users}.repository.ts`],
  [`${users}.service.ts`, `${users}.errors.ts`],
  [`${users}.service.ts`, `${users}.metrics.ts`],
  [`${users}.service.ts`, `${users}.events.ts`],
  [`${users}.service.ts`, `${users}.names.ts`],
  [`${users}.service.ts`, `${chat}.api.ts`],
  [`${users}.service.ts`, 'src/shared/lock/lock.ts'],
  [`${users}.service.ts`, 'src/shared/bus/bus.ts'],
  [`${users}.repository.ts`, `${users}.entity.ts`],
  [`${users}.repository.ts`, `${users}.errors.ts`],
  [`${users}.repository.ts`, 'src/shared/db/db.ts'],
  [`${users}.repository.ts`, 'src/shared/clock/clock.ts'],
  [`${users}.repository.ts`, 'typeorm'],
  [`${users}.entity.ts`, 'typeorm'],
  [`${users}.migrations.ts`, 'src/shared/db/db.ts'],
  [`${users}.errors.ts`, 'src/shared/errors/errors.ts'],
  [`${users}.listener.ts`, `${users}.service.ts`],
  [`${users}.listener.ts`, `${chat}.events.ts`],
  [`${users}.worker.ts`, `${users}.service.ts`],
  [`${users}.worker.ts`, `${users}.repository.ts`],
  [`${users}.api.ts`, 'src/generated/users.ts'],
  [`${users}.api.ts`, 'src/shared/contract/contract.ts'],
  [`${users}.events.ts`, 'src/shared/bus/bus.ts'],
  ['src/shared/contract/contract.ts', 'src/shared/errors/errors.ts'],
  ['src/shared/redis/redis.ts', 'ioredis'],
  ['src/shared/db/db.ts', 'pg'],
  ['src/client/client.ts', `${users}.api.ts`],
  ['src/client/client.ts', 'src/shared/errors/errors.ts'],
];

function statement(from: string, to: string, keyword = 'import'): string {
  const isOurs = /^(src|test)\//.test(to);
  const path = isOurs ? relative(dirname(from), to).replace(/\.ts$/, '') : to;
  return `${keyword} * as imported from '${isOurs && !path.startsWith('.') ? `./${path}` : path}';\n`;
}

/** Files with these imports and no others. */
function treeOf(imports: readonly (readonly [string, string])[], keyword?: string): Tree {
  const tree: Record<string, string> = {};
  for (const [from, to] of imports) {
    tree[from] = (tree[from] ?? '') + statement(from, to, keyword);
    if (/^(src|test)\//.test(to)) tree[to] ??= 'export {};\n';
  }
  return tree;
}

const circle = [
  ['src/shared/contract/a.ts', 'src/shared/contract/b.ts'],
  ['src/shared/contract/b.ts', 'src/shared/contract/a.ts'],
] as const;

const development: Tree = {
  'package.json': '{ "dependencies": {}, "devDependencies": { "supertest": "1" } }',
  'node_modules/supertest/package.json': '{ "name": "supertest", "version": "1.0.0", "main": "index.js" }',
  'node_modules/supertest/index.js': 'module.exports = {};\n',
  'src/shared/contract/contract.ts': "import * as imported from 'supertest';\n",
};

/** Where a package keeps its code in dist/: that folder is not ours. */
const packaged: Tree = {
  'node_modules/typeorm/package.json': '{ "name": "typeorm", "version": "1.0.0", "main": "dist/index.js" }',
  'node_modules/typeorm/dist/index.js': 'module.exports = {};\n',
  [`${users}.service.ts`]: "import * as imported from 'typeorm';\n",
};

describe('arrows between files', () => {
  let found: string[][];
  let foundInTypes: string[][];
  let rest: string[][];

  beforeAll(async () => {
    const plantedAs = (keyword: string) => violations.map(([, from, to]) => treeOf([[from, to]], keyword));
    [found, foundInTypes, rest] = await Promise.all([
      inspect('arrows', plantedAs('import')),
      inspect('arrows', plantedAs('import type')),
      inspect('arrows', [treeOf(legal), treeOf(circle), treeOf(circle, 'import type'), development, packaged]),
    ]);
  }, 60_000);

  it.each(violations.map((violation, index) => [...violation, index] as const))(
    '%s forbids %s -> %s',
    (rule, from, to, index) => {
      const expected = [`${rule}: ${from} -> ${to.replace(/^node:/, '')}`];
      expect([found[index], foundInTypes[index]]).toEqual([expected, expected]);
    },
  );

  it('lets every allowed arrow pass', () => {
    expect(rest[0]).toEqual([]);
  });

  it('finds a cycle between files, of types too', () => {
    const cycle = circle.map(([from, to]) => `no-circular: ${from} -> ${to}`);
    expect([rest[1], rest[2]]).toEqual([cycle.slice(0, 1), cycle.slice(0, 1)]);
  });

  it('finds a development dependency', () => {
    expect(rest[3]).toEqual(['no-dev-dependency: src/shared/contract/contract.ts -> node_modules/supertest/index.js']);
  });

  it('finds a package by where it is installed', () => {
    expect(rest[4]).toEqual([`no-driver-in-features: ${users}.service.ts -> node_modules/typeorm/dist/index.js`]);
  });

  it('has a violation for every rule', () => {
    const { forbidden } = require('./dependency-cruiser.cjs') as { forbidden: { name: string }[] };
    const planted = new Set([...violations.map(([rule]) => rule), 'no-circular', 'no-dev-dependency']);
    expect([...planted].sort()).toEqual(forbidden.map(({ name }) => name).sort());
  });
});
