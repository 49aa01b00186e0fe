import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { features as allFeatures } from './features/index';
import { AccessModule } from './shared/auth/access.module';
import { Audiences } from './shared/bus/audiences';
import { ClockModule } from './shared/clock/clock.module';
import type { Config } from './shared/config/config';
import { ConfigModule } from './shared/config/config.module';
import { ConnectionsModule } from './shared/connections/connections.module';
import { ContractModule } from './shared/contract/contract.module';
import { type Feature, Features } from './shared/contract/feature';
import { RouteTable } from './shared/contract/route-table';
import { DbModule } from './shared/db/db.module';
import { GrpcModule } from './shared/grpc/grpc.module';
import { HealthModule } from './shared/health/health.module';
import { HttpModule } from './shared/http/http.module';
import { LifecycleModule } from './shared/lifecycle/lifecycle.module';
import { LoggingModule } from './shared/logging/logging.module';
import { MetricsModule } from './shared/metrics/metrics.module';
import { TracingModule } from './shared/otel/tracing.module';
import { ProcessesModule } from './shared/processes/processes.module';
import { RemoteModule } from './shared/remote/remote.module';

export { allFeatures };

/** The features that run in this process. */
export function featuresOf(config: Config): Feature[] {
  return allFeatures.filter(({ contract }) => config.modules.includes(contract.name));
}

/** The features that this process answers for: those that run here, and those elsewhere whose doors it has. */
export function servedBy(config: Config): Feature[] {
  const { modules, expose } = config;
  return allFeatures.filter(({ contract: { name } }) => modules.includes(name) || expose.includes(name));
}

/**
 * The process: the two servers, the features that run here, which import the mechanisms that they stand on, and the doors of
 * all that it answers for.
 */
@Module({})
export class AppModule {
  static forRoot(config: Config, routes: RouteTable): DynamicModule {
    const here = featuresOf(config);
    const parts = new Parts(config, here);
    return {
      module: AppModule,
      // Whoever asks which features and routes there are.
      global: true,
      providers: [
        { provide: Features, useValue: new Features(here) },
        { provide: RouteTable, useValue: routes },
        { provide: Audiences, useValue: audiencesOf(config) },
      ],
      exports: [Features, RouteTable, Audiences],
      imports: [
        ConfigModule.forRoot(config),
        LoggingModule.forRoot(
          config.logLevel,
          here.flatMap(({ logged = [] }) => logged),
        ),
        ClockModule,
        MetricsModule,
        LifecycleModule,
        HealthModule,
        ConnectionsModule,
        ContractModule,
        HttpModule,
        GrpcModule,
        AccessModule,
        DbModule,
        ProcessesModule,
        TracingModule,
        ...here.map((feature) => parts.feature(feature)),
        ...servedBy(config).map((feature) => parts.doors(feature)),
        ...allFeatures.flatMap((feature) => parts.elsewhere(feature)),
      ],
    };
  }
}

/** Who hears what, in any process. A feature consumes under its own name. */
export function audiencesOf({ audience }: Config): Audiences {
  const byTopic = new Map<string, string[]>();
  for (const { contract, hears = [] } of allFeatures.filter((one) => audience.includes(one.contract.name)))
    for (const { name } of hears) byTopic.set(name, [...(byTopic.get(name) ?? []), contract.name]);
  return new Audiences(byTopic);
}

/** The modules of features: each has its settings, and asks those that it needs where they run. */
class Parts {
  private readonly made = new Map<Feature, DynamicModule>();

  constructor(
    private readonly config: Config,
    private readonly here: readonly Feature[],
  ) {}

  feature(feature: Feature): DynamicModule {
    const known = this.made.get(feature);
    if (known) return known;
    const { contract, module, needs = [] } = feature;
    const needed = allFeatures.filter((other) => needs.includes(other.contract.token));
    const imports = needed.map((other) => this.api(contract.name, other));
    const made = { module, imports, providers: this.settings(feature) };
    this.made.set(feature, made);
    return made;
  }

  doors(feature: Feature): DynamicModule {
    const { controllers, imports = [], providers = [] } = feature.doors;
    return {
      module: class FeatureDoors {},
      controllers: [...controllers],
      imports: [...imports, this.api('app', feature)],
      providers: [...providers, ...this.settings(feature)],
    };
  }

  /** What this process stands on of a feature that it only knows the place of. */
  elsewhere(feature: Feature): DynamicModule[] {
    const { contract, elsewhere } = feature;
    if (!elsewhere || !(contract.name in this.config.places)) return [];
    const imports = [AccessModule, this.api('app', feature)];
    return [{ module: class FeatureElsewhere {}, imports, providers: [...elsewhere] }];
  }

  /** The feature's token, for `asker`: the feature itself where it runs here, else a stand-in. */
  private api(asker: string, feature: Feature): DynamicModule {
    if (this.here.includes(feature)) return this.feature(feature);
    const { contract, docs } = feature;
    return RemoteModule.for(asker, { contract, replays: (method) => (docs[method]?.replayed ? 'effect' : 'answer') });
  }

  private settings({ settings }: Feature): Provider[] {
    return settings ? [{ provide: settings, useValue: this.config.settings.get(settings) }] : [];
  }
}
