import type { Audiences } from '../bus/audiences';
import type { Config } from '../config/config';
import type { Feature } from '../contract/feature';
import type { Finding } from '../findings/finding';
import { lookAtServiceBus } from './doctor.servicebus';
import { lookAtSqs } from './doctor.sqs';

/** Looks at a bus that is somebody's service, as far as these features use it. A Redis is looked at as a Redis. */
export async function lookAtBus(
  { kind, url }: Config['bus'],
  features: readonly Feature[],
  audiences: Audiences,
): Promise<readonly Finding[]> {
  const announced = distinct(features.flatMap(({ announces = [] }) => announces.map(({ name }) => name)));
  const sent = announced.flatMap((topic) => audiences.consumersOf(topic).map((consumer) => ({ topic, consumer })));
  const heard = features.flatMap(({ contract, hears = [] }) =>
    hears.map((topic) => ({ topic: topic.name, consumer: contract.name })),
  );
  if (kind === 'sqs') return lookAtSqs(url, [...sent, ...heard]);
  if (kind === 'servicebus') return lookAtServiceBus(url, distinct(sent.map(({ topic }) => topic)), heard);
  return [];
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
