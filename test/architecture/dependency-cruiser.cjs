// The arrows: who may import whom. `import type` counts. What is listed for a kind of file is all that it may import.
// arrows.test.ts plants a violation of every rule.

const feature = '^src/features/([^/]+)/';
const own = '^src/features/$1/';
const generated = '^src/generated/';

/** The kinds of file that form layers; an own file with another telling name is on the side of the service. */
const layers = 'controller|dto|service|repository|entity|migrations|listener|worker|module';
const file = (kinds) => `\\.(${kinds})\\.ts$`;
const inFeature = (kinds) => `^src/features/([^/]+)/.*${file(kinds)}`;
const ownFile = (kinds) => `^src/features/$1/.*${file(kinds)}`;
const otherFile = (kinds) => `^src/features/.+${file(kinds)}`;
/** Own files that are of none of these kinds. */
const ownExcept = (kinds) => `^src/features/$1/(?!.*${file(kinds)})`;
const shared = (...folders) => `^src/shared/(${folders.join('|')})/`;
const sharedExcept = (...folders) => `^src/shared/(?!(${folders.join('|')})/)`;
/** Resolved (`node_modules/pg/lib/index.js`) or as written (`pg`). */
const packages = (...names) => `(^|node_modules/)(@types/)?(${names.join('|')})(/|$)`;

const drivers = [
  'typeorm',
  '@nestjs/typeorm',
  'pg',
  'mysql2',
  'better-sqlite3(-node-api)?',
  'ioredis',
  'redlock',
  'etcd3',
];
const wires = [
  '@nestjs/platform-fastify',
  '@nestjs/platform-ws',
  '@nestjs/microservices',
  '@nestjs/websockets',
  '@grpc',
];
const httpPackages = ['fastify', '@fastify', 'undici', 'https?', 'node:https?', 'http2', 'node:http2', 'ws'];

/** A kind of file and the only files of this project that it may import. */
const only = (name, from, to, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: '^src/', pathNot: to },
});
const never = (name, from, to, comment) => ({ name, comment, severity: 'error', from, to });

const top = [
  only(
    'main',
    '^src/main\\.ts$',
    ['^src/app\\.ts$', shared('commands', 'config')],
    'main -> app, shared/commands, shared/config',
  ),
  only('app', '^src/app\\.ts$', ['^src/app\\.module\\.ts$', '^src/shared/'], 'app -> app.module, shared'),
  only(
    'app-module',
    '^src/app\\.module\\.ts$',
    ['^src/features/index\\.ts$', '^src/shared/'],
    'app.module -> features/index, shared',
  ),
  only(
    'features-index',
    '^src/features/index\\.ts$',
    [file('module|api'), shared('contract')],
    'features/index -> each feature: its module, and the contract that stands in for it where it runs elsewhere',
  ),
  only(
    'client',
    '^src/client/',
    ['^src/client/', file('api'), shared('contract', 'remote', 'errors'), generated],
    'client -> api, shared/contract, shared/remote, shared/errors, generated',
  ),
  only(
    'shared',
    '^src/shared/',
    ['^src/shared/', generated],
    'shared -> shared, generated; never features, app or client',
  ),
  only('generated', generated, [generated], 'generated -> nothing'),
  never('test', { path: '^src/' }, { path: '^test/' }, 'src never imports test'),
];

const features = [
  never(
    'feature-isolation',
    { path: feature, pathNot: file('controller|service|listener|worker') },
    { path: '^src/features/[^/]+/', pathNot: [own, file('api|events')] },
    'a feature reaches another only through its api or events',
  ),
  never(
    'feature-upward',
    { path: feature },
    { path: ['^src/(main|app|app\\.module)\\.ts$', '^src/features/index\\.ts$', '^src/client/'] },
    'a feature never imports what is made of features',
  ),
  never(
    'controller',
    { path: inFeature('controller') },
    {
      path: ['^src/features/', '^src/shared/'],
      pathNot: [ownFile('dto|api|stream|watch'), sharedExcept('db', 'redis', 'lock', 'bus', 'batch')],
    },
    'controller -> dto, own api, its streams, shared; never service, repository, db, redis, lock, bus',
  ),
  never(
    'dto',
    { path: inFeature('dto') },
    {
      path: [own, '^src/shared/'],
      pathNot: [ownFile('dto'), ownExcept(`${layers}|metrics`), sharedExcept('db', 'redis', 'lock', 'bus', 'batch')],
    },
    'dto -> generated, shared, own names; never a layer below it',
  ),
  never(
    'service',
    { path: inFeature('service') },
    {
      path: '^src/features/',
      pathNot: [ownFile('service|repository|entity'), ownExcept(layers), otherFile('api')],
    },
    'service -> repository, entity (its rows), errors, metrics, events, own files with telling names, shared, the api of others',
  ),
  never(
    'repository',
    { path: inFeature('repository') },
    {
      path: [own, '^src/shared/'],
      pathNot: [
        ownFile('repository|entity'),
        ownExcept(`${layers}|api|metrics`),
        sharedExcept(
          'contract',
          'http',
          'grpc',
          'openapi',
          'remote',
          'auth',
          'redis',
          'lock',
          'bus',
          'cache',
          'health',
          'lifecycle',
        ),
      ],
    },
    'repository -> entity, shared/db, generated, errors, clock; never a wire, Redis, a lock or the bus',
  ),
  never(
    'listener',
    { path: inFeature('listener') },
    { path: '^src/features/', pathNot: [ownFile('service|entity'), ownExcept(layers), otherFile('api|events')] },
    'listener -> service, the events and api of others; never repository, dto or controller',
  ),
  never(
    'worker',
    { path: inFeature('worker') },
    {
      path: '^src/features/',
      pathNot: [ownFile('service|repository|entity'), ownExcept(layers), otherFile('api|events')],
    },
    'worker -> service, repository (what is over goes without a rule), the events and api of others; never dto or controller',
  ),
  never(
    'leaf',
    { path: inFeature('errors|metrics|entity|migrations') },
    { path: own, pathNot: [ownFile('errors|metrics|entity|migrations'), ownExcept(`${layers}|api`)] },
    'errors, metrics, entity and migrations import no layer',
  ),
  only('api', inFeature('api'), [generated, shared('contract')], 'api -> generated, shared/contract'),
  only(
    'events',
    inFeature('events'),
    [generated, shared('(bus|log|outbox)')],
    'events -> generated, shared/bus, shared/log, shared/outbox',
  ),
  never(
    'telling-name',
    { path: `^src/features/([^/]+)/(?!.*${file(`${layers}|errors|metrics|api|events`)})` },
    { path: ownFile('controller|module|migrations') },
    'an own file with a telling name imports no controller, module or migrations',
  ),
];

const outside = [
  never(
    'no-wire-below-controllers',
    { path: inFeature('service|repository|entity|errors') },
    { path: packages(...wires, ...httpPackages) },
    'the rules know no wire: no gRPC or HTTP packages',
  ),
  never(
    'no-driver-in-features',
    { path: '^src/(features|client)/', pathNot: file('repository|entity|migrations|module') },
    { path: packages(...drivers) },
    'databases are reached through repositories and shared/db, Redis and etcd through shared',
  ),
  never(
    'no-raw-driver-in-features',
    { path: `^src/(features|client)/.*${file('repository|entity|migrations|module')}` },
    { path: packages('pg', 'mysql2', 'better-sqlite3(-node-api)?', 'ioredis', 'redlock', 'etcd3') },
    'a repository speaks TypeORM; the drivers belong to shared',
  ),
  never(
    'contract-packages',
    { path: inFeature('api|events') },
    { path: '.', pathNot: ['^src/', packages('rxjs')] },
    'what is public stands on generated types alone',
  ),
  never(
    'no-dev-dependency',
    { path: '^src/' },
    { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    'an installation has no devDependencies',
  ),
];

module.exports = {
  forbidden: [
    ...top,
    ...features,
    ...outside,
    never('no-circular', {}, { circular: true }, 'no cycle between files; cycles between folders: checks/cycles.mjs'),
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
    reporterOptions: { text: { highlightFocused: true } },
  },
};
