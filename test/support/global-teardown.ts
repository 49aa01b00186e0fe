import { rm } from 'node:fs/promises';
import { type DatabaseServer } from './servers';

interface Started {
  readonly testServers?: (DatabaseServer | undefined)[];
  readonly testFolder?: string;
}

/** Stops what global-setup started, and removes its folder. */
export default async function globalTeardown(): Promise<void> {
  const { testServers = [], testFolder } = globalThis as Started;
  await Promise.all(testServers.map((server) => server?.[Symbol.asyncDispose]()));
  if (testFolder) await rm(testFolder, { recursive: true, force: true, maxRetries: 5 });
}
