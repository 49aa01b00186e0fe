import { type DynamicModule, Module } from '@nestjs/common';
import { features as allFeatures } from './features/index';
import { AccessModule } from './shared/auth/access.module';
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

export { allFeatures };

/** The features that run in this process. */
export function featuresOf(config: Config): Feature[] {
  return allFeatures.filter((feature) => config.modules.includes(feature.contract.name));
}

/** The process: the two servers, and the features that run here, which import the mechanisms that they stand on. */
@Module({})
export class AppModule {
  static forRoot(config: Config, features: readonly Feature[], routes: RouteTable): DynamicModule {
    return {
      module: AppModule,
      // Whoever asks which features and routes there are.
      global: true,
      providers: [
        { provide: Features, useValue: new Features(features) },
        { provide: RouteTable, useValue: routes },
      ],
      exports: [Features, RouteTable],
      imports: [
        ConfigModule.forRoot(config),
        LoggingModule.forRoot(
          config.logLevel,
          features.flatMap(({ logged = [] }) => logged),
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
        ...modulesOf(features, config),
      ],
    };
  }
}

/** The modules of these features; each has its settings and imports those of the features that it needs. */
function modulesOf(features: readonly Feature[], config: Config): DynamicModule[] {
  const made = new Map<Feature, DynamicModule>();
  const moduleOf = (feature: Feature): DynamicModule => {
    const known = made.get(feature);
    if (known) return known;
    const needed = features.filter(({ contract }) => feature.needs?.includes(contract.token));
    const settings = feature.settings && { provide: feature.settings, useValue: config.settings.get(feature.settings) };
    const dynamic = { module: feature.module, imports: needed.map(moduleOf), providers: settings ? [settings] : [] };
    made.set(feature, dynamic);
    return dynamic;
  };
  return features.map(moduleOf);
}
