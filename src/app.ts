import { ModulesContainer, NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Logger, PinoLogger } from 'nestjs-pino';
import { AppModule, allFeatures, audiencesOf, featuresOf, servedBy } from './app.module';
import { guarded } from './shared/async/guarded';
import { AccessGuard } from './shared/auth/access.guard';
import { backup, restore } from './shared/commands/backup-command';
import type { HeavyCommand } from './shared/commands/commands';
import { migrate } from './shared/commands/migrate-command';
import type { Config } from './shared/config/config';
import { ConfigError } from './shared/config/config.errors';
import { strangeIn } from './shared/config/config.strange';
import { shownDatabase } from './shared/config/database-url';
import { loadConfig, type RawEnvironment } from './shared/config/load-config';
import { variablesOf } from './shared/config/settings';
import { Connections } from './shared/connections/connections';
import { Listeners } from './shared/connections/listeners';
import { Peers } from './shared/connections/peers';
import { Unfinished } from './shared/connections/unfinished';
import { ErrorFilter } from './shared/contract/error.filter';
import { RouteTable } from './shared/contract/route-table';
import { Databases } from './shared/db/databases';
import { SqliteDriverMissingError } from './shared/db/db.errors';
import { databasesOf } from './shared/db/db.module';
import { diagnose, ofSettings, tableOf } from './shared/doctor/doctor';
import type { Finding } from './shared/findings/finding';
import { GrpcConnections } from './shared/grpc/grpc.connections';
import { GrpcMetrics } from './shared/grpc/grpc.metrics';
import { addReflection, GrpcServer } from './shared/grpc/grpc.server';
import { GrpcHealth } from './shared/health/grpc.health';
import { reachableHost } from './shared/http/http.address';
import { addHttpHooks, admitRequests } from './shared/http/http.hooks';
import { HotRoutes, serveHot } from './shared/http/http.hot';
import { HttpMetrics } from './shared/http/http.metrics';
import { serveReads } from './shared/http/http.reads';
import { BrowserHeaders, secure } from './shared/http/http.security';
import { finishConnections, httpAdapter, limitHttp, stopListening } from './shared/http/http.server';
import { HttpUpgrades, serveUpgrades } from './shared/http/http.upgrades';
import { banner } from './shared/lifecycle/banner';
import { surviveFaults, tellFaults } from './shared/lifecycle/faults';
import { Lifecycle } from './shared/lifecycle/lifecycle';
import { stopOnSignal } from './shared/lifecycle/signals';
import { listenError, StartError } from './shared/lifecycle/start.error';
import { scrub } from './shared/logging/redaction';
import { Metrics } from './shared/metrics/metrics';
import { appPages } from './shared/openapi/app.pages';
import { serveDocs } from './shared/openapi/openapi.ui';
import { processesContract } from './shared/processes/processes.api';
import { processesDocs } from './shared/processes/processes.docs';
import { Tracing } from './shared/tracing/tracing';

// Connections that are open and silent are closed after so long.
const finishMs = 250;
// Longer than any handler may take.
const patienceMs = 5750;
// Of sysexits.h.
const badConfiguration = 78;

/** The process: it serves until it is told to stop, or brings the databases up to date and ends. */
export async function run(command: HeavyCommand, environment: RawEnvironment): Promise<void> {
  try {
    const config = loadConfig(environment, allFeatures);
    if (command.name === 'serve') return await serve(config);
    const features = featuresOf(config);
    const databases = databasesOf(config, features);
    const known = allFeatures.flatMap(({ migrations }) => migrations.map((one) => new one().name ?? one.name));
    const strange = strangeIn(environment, Object.keys(variablesOf(allFeatures)));
    const subject = { config, features, audiences: audiencesOf(config), databases, known: new Set(known), strange };
    if (command.name === 'doctor') return tellDoctor(await diagnose(subject));
    process.stdout.write(`${await change(databases, config, { command, known })}\n`);
  } catch (error) {
    if (command.name === 'doctor' && error instanceof ConfigError) return tellDoctor(ofSettings(error));
    const configuration = error instanceof ConfigError || error instanceof SqliteDriverMissingError;
    const told = configuration || error instanceof StartError;
    const what = command.name === 'serve' ? 'Aerie cannot start' : `${command.name} failed`;
    process.stderr.write(`${told ? error.message : `${what}: ${scrub(String((error as Error)?.stack ?? error))}`}\n`);
    process.exit(configuration ? badConfiguration : 1);
  }
}

/** Answers the line to be printed. */
async function change(
  databases: Databases,
  config: Config,
  {
    command,
    known,
  }: { readonly command: Exclude<HeavyCommand, { name: 'serve' | 'doctor' }>; readonly known: string[] },
): Promise<string> {
  if (command.name === 'migrate') return migrate(databases, { known, dryRun: command.dryRun });
  const features = featuresOf(config).map(({ contract: { name }, ownFile }) => ({
    name,
    isRead: ownFile !== undefined,
  }));
  if (command.name === 'backup') return backup(databases, features, command.folder);
  return restore(databases, features, { folder: command.folder, known });
}

/** Ends the process once it is told: a client of somebody's service may wait a minute for a server that is not there. */
function tellDoctor(findings: readonly Finding[]): void {
  const code = findings.some(({ verdict }) => verdict === 'failed') ? 1 : 0;
  process.stdout.write(
    `${tableOf(findings)}\n`,
    guarded(() => process.exit(code)),
  );
}

async function serve(config: Config): Promise<void> {
  const starting = startApp(config);
  let running: RunningApp | undefined;
  // From the first moment: the first process of a container has no default that a signal would end it by.
  const stop = async (): Promise<void> => (await starting).stop();
  stopOnSignal(stop, config.shutdown.hardMs, (err) => running?.logger.error({ err }, 'stop_failed'));
  running = await starting;
  const { http, grpcPort, ports, logger } = running;
  const own = Object.fromEntries(Object.entries(ports).map(([name, port]) => [`${name}_port`, port]));
  surviveFaults();
  logger.info(
    {
      host: http.host,
      port: http.port,
      grpc_port: grpcPort,
      ...own,
      modules: config.modules,
      environment: config.environment,
    },
    'app_ready',
  );
  if (config.environment !== 'development') return;
  const database = shownDatabase(config.database.url);
  process.stdout.write(
    banner({ host: http.host, httpPort: http.port, grpcPort, listeners: running.listeners, database }),
  );
}

/** A running application and where it listens. */
export interface RunningApp {
  readonly http: { readonly host: string; readonly port: number };
  readonly grpcPort: number | undefined;
  /** Of the features' own listeners, by their names. */
  readonly ports: Readonly<Record<string, number>>;
  /** What the banner says of those. */
  readonly listeners: readonly (readonly [name: string, value: string])[];
  readonly logger: PinoLogger;
  /** Not ready, then no longer listening, then finished; resolves when everything is closed. */
  stop(): Promise<void>;
}

/** Builds the application for `config`, listens, and resolves once it is ready. `main` and every test call it. */
export async function startApp(config: Config): Promise<RunningApp> {
  const routes = new RouteTable();
  const features = servedBy(config);
  for (const feature of features) routes.add(feature.contract, feature.docs);
  routes.add(processesContract, processesDocs);
  routes.pages.push(...appPages, ...features.flatMap(({ pages = [] }) => pages));
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config, routes),
    httpAdapter(routes, config),
    {
      bodyParser: false,
      abortOnError: false,
      // An error before it listens is thrown, and told once.
      logger: false,
    },
  );
  try {
    const running = await listen(app, config, routes);
    // Only now: what Nest tells of its start is of no use to anybody.
    app.useLogger(app.get(Logger));
    return running;
  } catch (error) {
    await app.get(Listeners).stopListening();
    await app.get(Listeners).close(finishMs);
    await close(app);
    throw listenError(error, { HTTP_PORT: config.http.port, GRPC_PORT: config.grpc.port });
  }
}

async function listen(app: NestFastifyApplication, config: Config, routes: RouteTable): Promise<RunningApp> {
  const lifecycle = app.get(Lifecycle);
  const logger = await app.resolve(PinoLogger);
  tellFaults(logger, app.get(Metrics));
  const fastify = app.getHttpAdapter().getInstance();
  const peers = new Peers(config.trustedProxies);
  const tracing = app.get(Tracing);
  const hot = { metrics: app.get(HttpMetrics), logger, lifecycle, unfinished: app.get(Unfinished), routes };
  const answering = { filter: app.get(ErrorFilter), browsers: new BrowserHeaders(config), tracing };
  serveHot(fastify, app.get(HotRoutes), { ...hot, ...answering });
  limitHttp(fastify, config, app.get(Connections), app.get(Unfinished));
  const { publicUrl } = config;
  addHttpHooks(fastify, { metrics: app.get(HttpMetrics), logger, lifecycle, peers, tracing, publicUrl });
  await secure(fastify, config);
  const upgrading = { metrics: app.get(HttpMetrics), lifecycle, peers, connections: app.get(Connections) };
  serveUpgrades(fastify, app.get(HttpUpgrades), { ...upgrading, filter: app.get(ErrorFilter) });
  const guard = app.get(AccessGuard);
  admitRequests(fastify, routes, (request) => guard.admitRequest(request));
  serveDocs(fastify, routes, config.publicUrl);
  serveReads(fastify, app.get(ModulesContainer), app.get(ErrorFilter));
  const grpc = config.grpc.enabled ? await startGrpc(app, config, routes) : undefined;
  await app.listen(config.http.port, config.http.host);
  const { port } = fastify.server.address() as { port: number };
  const { host } = config.http;
  const listeners = app.get(Listeners);
  await listeners.listen(host);
  await lifecycle.warmUp(`http://${reachableHost(host)}:${port}`);
  const health = app.get(GrpcHealth);
  lifecycle.ready();
  await health.refresh();
  health.start();
  return {
    http: { host, port },
    grpcPort: grpc?.port,
    ports: listeners.ports,
    listeners: listeners.rows(host),
    logger,
    stop: () => stop(app, config, grpc),
  };
}

async function startGrpc(app: NestFastifyApplication, config: Config, routes: RouteTable): Promise<GrpcServer> {
  const services = routes.contracts.map(({ contract }) => `${contract.proto.package}.${contract.proto.service}`);
  const guard = app.get(AccessGuard);
  const connections = app.get(Connections);
  const server = new GrpcServer(config, {
    routes,
    metrics: app.get(GrpcMetrics),
    peers: new Peers(config.trustedProxies),
    tracing: app.get(Tracing),
    admit: (path, metadata, host) => guard.admitCall(path, metadata, host),
    draining: app.get(Lifecycle).draining,
    failed: connections.failed,
    connections: app.get(GrpcConnections),
    extend: (grpc) => {
      app.get(GrpcHealth).addTo(grpc, services);
      if (config.environment !== 'production')
        addReflection(
          grpc,
          routes.contracts.map(({ contract }) => contract),
        );
    },
  });
  app.connectMicroservice({ strategy: server }, { inheritAppConfig: true });
  await app.startAllMicroservices();
  return server;
}

async function stop(app: NestFastifyApplication, config: Config, grpc: GrpcServer | undefined): Promise<void> {
  app.get(Lifecycle).drain();
  await app.get(GrpcHealth).refresh();
  // Load balancers need a moment to see that we are not ready; until then requests still come and are served.
  await new Promise((resolve) => setTimeout(resolve, config.shutdown.drainMs));
  const listeners = app.get(Listeners);
  await app.get(Lifecycle).hold(async () => {
    await Promise.all([stopListening(app.getHttpServer()), listeners.stopListening()]);
  });
  // A request that is half sent, or an answer that nobody reads, would hold up the stop until it times out.
  const patience = Math.max(0, Math.min(patienceMs, config.shutdown.hardMs - config.shutdown.drainMs - 1500));
  const cut = (): void => {
    app.getHttpServer().closeAllConnections();
    grpc?.cut();
    app.get(Connections).leave(true);
  };
  setTimeout(guarded(cut, app.get(Connections).failed), patience).unref();
  await listeners.close(patience);
  await finishConnections(app.getHttpServer(), finishMs);
  app.get(Connections).leave(false);
  await close(app);
}

async function close(app: NestFastifyApplication): Promise<void> {
  await app.close();
  // Last: Nest's hooks run in an order of its own, and everything above may still need the databases.
  await app.get(Databases).closeAll();
  await app.get(Tracing).close();
}
