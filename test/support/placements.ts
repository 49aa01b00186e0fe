import { features } from '../../src/features/index';
import type { RawEnvironment } from '../../src/shared/config/load-config';
import { openApp, type TestApp } from './wires';

export const internalSecret = 'a-secret-between-the-processes-of-a-test';
/** For processes that call each other. */
export const internal = { INTERNAL_API_SECRET: internalSecret };

const names = features.map(({ contract }) => contract.name);

/** A process that runs nothing and answers for everything, which runs at `address`. */
export function openDoor(address: string, environment: RawEnvironment = {}): Promise<TestApp> {
  const places = names.map((name) => [`${name.toUpperCase().replace(/-/g, '_')}_URL`, address]);
  const all = { ...internal, ...Object.fromEntries(places), EXPOSE: names.join(',') };
  return openApp('sqlite::memory:', { ...all, ...environment });
}

/** How a process with doors reaches the one that runs the features. */
export const ways: readonly { readonly name: string; readonly address: (house: TestApp) => string }[] = [
  { name: 'gRPC', address: (house) => `grpc://${house.grpcAddress}` },
  { name: 'HTTP', address: (house) => house.url },
];
