import { randomBytes } from 'node:crypto';
import { freePort } from './processes';

/** A process of a split system: the features that run in it, and those elsewhere that it answers for. */
export interface Part {
  readonly name: string;
  readonly modules: readonly string[];
  readonly expose?: readonly string[];
}

/** A part with its ports. Several of one name are the same process, twice. */
export interface Placed extends Part {
  readonly http: number;
  readonly grpc: number;
}

/** The four LiveOps services, users, auth and chat beside them, and the box office; the gateway answers for all. */
export const parts: readonly Part[] = [
  {
    name: 'gateway',
    modules: ['events-gateway', 'console'],
    expose: ['fairness', 'leaderboard', 'progression', 'users', 'auth', 'chat', 'reservations', 'payments', 'queue'],
  },
  { name: 'fairness', modules: ['fairness'] },
  { name: 'leaderboard', modules: ['leaderboard'] },
  { name: 'progression', modules: ['progression'] },
  { name: 'accounts', modules: ['users', 'auth', 'chat'] },
  { name: 'box-office', modules: ['reservations', 'payments', 'queue'] },
];

/** Of the parts through which no event goes there is none: counts for `placedFreely`. */
export const eventsAlone = { accounts: 0, 'box-office': 0 };

/** On ports that follow each other. */
export function placedFrom(http: number, grpc: number): Placed[] {
  return parts.map((part, i) => ({ ...part, http: http + i, grpc: grpc + i }));
}

/** On free ports; `counts`: how often each part runs, once unless told. */
export async function placedFreely(counts: Readonly<Record<string, number>> = {}): Promise<Placed[]> {
  const placed: Placed[] = [];
  for (const part of parts)
    for (let i = 0; i < (counts[part.name] ?? 1); i += 1)
      placed.push({ ...part, http: await freePort(), grpc: await freePort() });
  return placed;
}

/** What all processes of a system share: its databases, and the secret by which they know each other. */
export function sharedEnvironment(databaseUrl: string, redisUrl: string): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    BUS_KIND: 'redis',
    LOCK_TYPE: 'redis',
    INTERNAL_API_SECRET: randomBytes(24).toString('base64url'),
  };
}

/** The variables of one process. Where features run is the same list for all of them. */
export function environmentOf(
  { modules, expose = [], http, grpc }: Placed,
  all: readonly Placed[],
  wire: 'grpc' | 'http' = 'grpc',
): Record<string, string> {
  const places = parts.flatMap((part) => {
    const addresses = all.filter(({ name }) => name === part.name).map((one) => `${wire}://127.0.0.1:${one[wire]}`);
    const urls = part.modules.map((feature) => `${feature.toUpperCase().replace(/-/g, '_')}_URL`);
    return addresses.length === 0 ? [] : urls.map((url) => [url, addresses.join(',')]);
  });
  const there = all.flatMap((one) => one.modules);
  return {
    ...Object.fromEntries(places),
    MODULES: modules.join(','),
    ...(expose.length > 0 && { EXPOSE: expose.filter((feature) => there.includes(feature)).join(',') }),
    HTTP_PORT: String(http),
    GRPC_PORT: String(grpc),
    // Unless whoever starts it says where.
    CHAT_PORT: '0',
  };
}
