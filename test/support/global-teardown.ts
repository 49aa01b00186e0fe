import { type DatabaseServer } from './servers';

/** Stops what global-setup started. */
export default async function globalTeardown(): Promise<void> {
  const { testServers = [] } = globalThis as { testServers?: (DatabaseServer | undefined)[] };
  await Promise.all(testServers.map((server) => server?.[Symbol.asyncDispose]()));
}
