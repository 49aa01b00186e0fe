import type { FactoryProvider, Type } from '@nestjs/common';
import { request } from 'undici';
import { Metrics } from '../../src/shared/metrics/metrics';

/** A class of metrics without an application: what it injects is made in `metrics`. */
export function metricsOf<T>(type: Type<T>, providers: readonly FactoryProvider[], metrics = new Metrics()): T {
  // Where Nest keeps what `@InjectMetric` says, the last parameter first.
  const injected: { index: number; param: string }[] = Reflect.getMetadata('self:paramtypes', type);
  const made = providers.map(({ provide, useFactory }) => [provide, useFactory(metrics)] as const);
  const parts = injected.map(({ index, param }) => [index, new Map(made).get(param)] as const);
  return new type(...Object.values(Object.fromEntries(parts)));
}

/** The sum of all samples whose name and labels begin with `prefix`, as /metrics tells it. */
export async function metricSum(url: string, prefix: string): Promise<number> {
  const text = await (await request(`${url}/metrics`)).body.text();
  const samples = text.split('\n').filter((line) => line.startsWith(prefix));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
