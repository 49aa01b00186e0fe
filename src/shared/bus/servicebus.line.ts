import { setMaxListeners } from 'node:events';
import type { ServiceBusClient } from '@azure/service-bus';
import { within } from '../async/within';

const closeLimitMs = 1000;

/** A client and its connection, and the end of all that is asked over it: some calls would wait a minute for a lost one. */
export class ServiceBusLine {
  private readonly ending = new AbortController();
  private ended: Promise<void> | undefined;

  constructor(readonly client: ServiceBusClient) {
    // One for each call that waits.
    setMaxListeners(0, this.ending.signal);
  }

  get signal(): AbortSignal {
    return this.ending.signal;
  }

  end(): Promise<void> {
    this.ending.abort();
    this.ended ??= within(this.client.close(), closeLimitMs);
    return this.ended;
  }
}
