import { type DynamicModule, Module } from '@nestjs/common';
import { HealthModule } from '../health/health.module';
import { type Elsewhere, Remotes } from './remotes';

@Module({ imports: [HealthModule], providers: [Remotes], exports: [Remotes] })
export class RemotesModule {}

/** Provides the API of a feature that runs elsewhere to one that runs here, or to the doors of this process (`app`). */
@Module({})
export class RemoteModule {
  static for(asker: string, elsewhere: Elsewhere): DynamicModule {
    const { token } = elsewhere.contract;
    const useFactory = (remotes: Remotes): object => remotes.standIn(asker, elsewhere);
    return {
      module: RemoteModule,
      imports: [RemotesModule],
      providers: [{ provide: token, inject: [Remotes], useFactory }],
      exports: [token],
    };
  }
}
