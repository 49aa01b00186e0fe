import { setTimeout as sleep } from 'node:timers/promises';

/** Waits so long, or until the signal fires. */
export async function pause(ms: number, until: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: until });
  } catch (error) {
    // The signal ends the pause and nothing else.
    if (!until.aborted) throw error;
  }
}
