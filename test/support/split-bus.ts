import { startSqs } from '../shared/bus/sqs.kind';
import { sqsEnvironment } from './elasticmq';
import type { DatabaseServer } from './servers';

/** The bus of a system of several processes: Redis, unless TEST_BROKERS says otherwise. */
export interface SplitBus extends AsyncDisposable {
  /** As BUS_KIND names it. */
  readonly kind: string;
  /** What all processes are told. */
  readonly environment: Readonly<Record<string, string>>;
  /** What can be killed and emptied, beside the system's Redis. */
  readonly places: readonly { name: string; server: DatabaseServer; wipe(): Promise<void> }[];
}

export async function startSplitBus(): Promise<SplitBus> {
  const asked = process.env.TEST_BROKERS ?? 'redis';
  if (!asked.startsWith('sqs'))
    return { kind: 'redis', environment: {}, places: [], [Symbol.asyncDispose]: async () => undefined };
  const place = await startSqs(asked.includes('fifo'), 'split');
  return {
    kind: 'sqs',
    environment: { ...sqsEnvironment, BUS_KIND: 'sqs', BUS_CONN: place.url },
    places: [{ name: 'SQS', server: place.server, wipe: place.wipe }],
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  };
}
