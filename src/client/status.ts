import type { ListProcessesResponse, Process } from '../generated/aerie/processes/v1/processes';
import type { Session } from './command-line';
import { table } from './table';

/** Which process runs what, in which version, how far its consumers are behind, which breakers are open. 1 unless all is well. */
export async function status({ client, print }: Session): Promise<number> {
  const found = await client.processes.listProcesses({});
  print(found, statusLines(found, Date.now()));
  return isWell(found) ? 0 : 1;
}

function isWell({ processes, silent }: ListProcessesResponse): boolean {
  return (
    silent.length === 0 &&
    processes.every(({ status: is, circuits }) => is === 'ready' && circuits.every(({ state }) => state === 'closed'))
  );
}

const alone = ['', 'It knows of no other process: no <FEATURE>_URL is set there that names one.'];

/** What a person reads. `now`: milliseconds. */
export function statusLines({ processes, silent }: ListProcessesResponse, now: number): string[] {
  const rows = processes.map((one) => ({
    process: nameOf(one),
    address: one.addresses.map((address) => address.replace(/^.*:\/\//, '')).join(' ') || '(asked)',
    version: one.version,
    up: lasted(now - Date.parse(one.startedAt)),
    runs: one.modules.join(' '),
    doors: one.exposes.join(' ') || '-',
    status: one.status,
  }));
  const columns = {
    process: 'process',
    address: 'address',
    version: 'version',
    up: 'up',
    runs: 'runs',
    'answers for': 'doors',
    status: 'status',
  } as const;
  const lags = processes.flatMap((one) => one.consumers.map((lag) => ({ process: nameOf(one), ...lag })));
  const circuits = processes.flatMap((one) => one.circuits.map((circuit) => ({ process: nameOf(one), ...circuit })));
  const checks = processes.flatMap((one) => one.checks.map((check) => ({ process: nameOf(one), ...check })));
  const lost = silent.map(({ features, ...one }) => ({ ...one, features: features.join(' ') }));
  return [
    ...table(columns, rows),
    ...(processes.length + silent.length === 1 ? alone : []),
    ...section(table({ consumer: 'consumer', in: 'process', 'events behind': 'events', seconds: 'seconds' }, lags)),
    ...section(table({ from: 'process', to: 'dependency', address: 'address', breaker: 'state' }, circuits)),
    ...section(table({ process: 'process', check: 'name', is: 'status', reason: 'reason' }, checks)),
    ...section(table({ 'no answer from': 'address', 'said to run': 'features', reason: 'reason' }, lost)),
  ];
}

/** With a line before it; nothing when there is nothing. */
function section(lines: readonly string[]): string[] {
  return lines.join('') === '' ? [] : ['', ...lines];
}

function nameOf({ host, pid }: Process): string {
  return `${host}/${pid}`;
}

/** `4 d 3 h`, `12 min`, `8 s` */
function lasted(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
