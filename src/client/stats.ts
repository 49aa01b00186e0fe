import type { Stats } from '../generated/aerie/console/v1/console';
import type { Session } from './command-line';
import { table } from './table';

/** What the process that is asked has counted since it began, as the console charts it. */
export async function stats({ client, print }: Session): Promise<number> {
  const found = await client.console.getStats({});
  print(found, statsLines(found));
  return 0;
}

const counted = {
  'HTTP answers': 'requests',
  events: 'events',
  refused: 'refused',
  'players on boards': 'boards',
  'chat clients': 'chatClients',
  'chat messages': 'chatMessages',
  'chat dropped': 'chatDropped',
  reservations: 'reservations',
  payments: 'payments',
  'waiting rooms': 'queue',
} as const satisfies Readonly<Record<string, keyof Stats>>;

/** What a person reads. */
export function statsLines(stats: Stats): string[] {
  const counts = Object.entries(counted).flatMap(([what, field]) => stats[field].map((row) => ({ what, ...row })));
  const unwell = stats.checks.filter(({ status }) => status !== 'healthy');
  const tables = [
    table({ what: 'what', of: 'name', count: 'count' }, counts),
    table(
      { consumer: 'consumer', 'events behind': 'events', seconds: 'seconds', 'given up': 'givenUp' },
      stats.consumers,
    ),
    table(
      { announced: 'feature', to: 'consumer', waiting: 'waiting', seconds: 'seconds', 'given up': 'parked' },
      stats.outboxes,
    ),
    table({ rule: 'rule', decision: 'action', mode: 'mode', count: 'count' }, stats.decisions),
    table({ check: 'name', is: 'status', reason: 'reason' }, unwell),
  ];
  const { cpuSeconds = 0, memoryBytes = 0 } = stats.load ?? {};
  return [
    `${stats.process}, ${stats.status}, ${cpuSeconds.toFixed(1)} s of CPU, ${Math.round(memoryBytes / 1_048_576)} MiB`,
    ...tables.flatMap((lines) => (lines.join('') === '' ? [] : ['', ...lines])),
  ];
}
