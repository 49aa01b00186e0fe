import type { Neighbour, Place } from './config';
import type { BadVariable } from './config.errors';
import { isOwnAddress } from './config.listeners';
import type { busKinds, EnvironmentVariables, Variables } from './config.schema';
import { type Configured, grpcPercentVariable, urlVariable } from './settings';

/** The kind of bus: as it is told, else what the cloud has. */
export function busKindOf({ BUS_KIND, CLOUD }: EnvironmentVariables): (typeof busKinds)[number] {
  return BUS_KIND ?? ({ local: 'inmem', aws: 'sqs', azure: 'servicebus' } as const)[CLOUD];
}

/** The features that run in this process: those of MODULES; unless told, all that EXPOSE does not name. */
export function modulesOf(env: Variables, features: readonly Configured[]): readonly string[] {
  const names = features.map(({ contract }) => contract.name);
  return env.MODULES ?? names.filter((name) => !env.EXPOSE?.includes(name));
}

/** Those that hear what is announced here: on a bus that does not leave the process those of it, else all that run anywhere. */
export function audienceOf(env: Variables & EnvironmentVariables, features: readonly Configured[]): readonly string[] {
  if (busKindOf(env) === 'inmem') return modulesOf(env, features);
  return features.map(({ contract }) => contract.name).filter((name) => !env.MODULES_ABSENT?.includes(name));
}

/** The features elsewhere whose addresses are given. One that runs here is asked here: all processes may share one list. */
export function placesOf(env: Variables, features: readonly Configured[]): Record<string, Place> {
  const here = modulesOf(env, features);
  const places: Record<string, Place> = {};
  for (const feature of features) {
    const addresses = env[urlVariable(feature)] as readonly string[] | undefined;
    if (addresses === undefined || here.includes(feature.contract.name)) continue;
    const grpc = addresses.filter((address) => address.startsWith('grpc'));
    const http = addresses.filter((address) => address.startsWith('http'));
    const percent = env[grpcPercentVariable(feature)] as number | undefined;
    places[feature.contract.name] = { grpc, http, grpcPercent: percent ?? (grpc.length > 0 ? 100 : 0) };
  }
  return places;
}

/** Every address that is told, each once, with the features that are said to be there. */
export function neighboursOf(env: Variables, features: readonly Configured[]): readonly Neighbour[] {
  const found = new Map<string, string[]>();
  for (const feature of features)
    for (const address of (env[urlVariable(feature)] ?? []) as readonly string[])
      found.set(address, [...(found.get(address) ?? []), feature.contract.name]);
  return [...found].map(([address, names]) => ({ address, features: names }));
}

/** In how many processes each feature runs, as far as its addresses tell: on one wire each process has one. */
export function instancesOf(env: Variables, features: readonly Configured[]): Record<string, number> {
  return Object.fromEntries(
    features.map((feature) => {
      const addresses = (env[urlVariable(feature)] ?? []) as readonly string[];
      const grpc = addresses.filter((address) => address.startsWith('grpc')).length;
      return [feature.contract.name, Math.max(1, grpc, addresses.length - grpc)];
    }),
  );
}

/** Splits that cannot work, each with what to set. */
export function* brokenPlacement(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  const unknown = [...unknownNames(env, features)];
  yield* unknown;
  // What else is missing depends on them.
  if (unknown.length > 0) return;
  const places = placesOf(env, features);
  yield* brokenDoors(env, features);
  for (const feature of features) {
    yield* brokenShare(env, feature);
    yield* brokenNeeds(env, feature, features);
    const { grpc = [], http = [] } = places[feature.contract.name] ?? {};
    if ([...grpc, ...http].some((address) => isOwnAddress(env, address)))
      yield {
        name: urlVariable(feature),
        reason: `is this process itself, in which ${feature.contract.name} does not run: it would call itself`,
      };
  }
  if (Object.keys(places).length > 0) yield* brokenTrust(env, features);
}

/** Names that are no feature's. They are not shown: anything may have got there, a secret too. */
function* unknownNames(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  const names = features.map(({ contract }) => contract.name);
  for (const name of ['MODULES', 'EXPOSE', 'MODULES_ABSENT'] as const)
    if (env[name]?.some((one) => !names.includes(one))) yield { name, reason: `must be some of ${names.join(', ')}` };
}

/** Doors of what runs here, or of what is nowhere. */
function* brokenDoors(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  const [here, places] = [modulesOf(env, features), placesOf(env, features)];
  const ghost = env.MODULES_ABSENT?.find((name) => here.includes(name) || name in places);
  if (ghost !== undefined)
    yield { name: 'MODULES_ABSENT', reason: `names ${ghost}, which runs here or has an address: choose one` };
  const twice = env.EXPOSE?.find((name) => env.MODULES?.includes(name));
  if (twice !== undefined) yield { name: 'EXPOSE', reason: `names ${twice}, which MODULES runs here: choose one` };
  for (const feature of features) {
    const { name } = feature.contract;
    if (!env.EXPOSE?.includes(name) || here.includes(name) || name in places) continue;
    const why = env.MODULES === undefined ? `; while MODULES is unset, EXPOSE takes ${name} out of it` : '';
    yield {
      name: urlVariable(feature),
      reason: `is missing: EXPOSE answers for ${name}, which runs elsewhere${why}`,
    };
  }
}

/** What a feature that runs here needs and does not get. */
function* brokenNeeds(env: Variables, feature: Configured, features: readonly Configured[]): Generator<BadVariable> {
  const [here, places] = [modulesOf(env, features), placesOf(env, features)];
  const { contract, needs = [] } = feature;
  if (!here.includes(contract.name)) return;
  const elsewhere = features.filter((other) => !here.includes(other.contract.name));
  for (const other of elsewhere.filter(({ contract: { token } }) => needs.includes(token)))
    if (!(other.contract.name in places))
      yield {
        name: urlVariable(other),
        reason: `is missing: ${contract.name} needs ${other.contract.name}; run it here, too (MODULES), or say where it runs`,
      };
  const absent = env.MODULES_ABSENT ?? [];
  if (busKindOf(env) === 'inmem')
    yield* brokenNews(
      feature,
      elsewhere,
      features.filter((one) => !absent.includes(one.contract.name)),
    );
}

/** News that the feature hears only in this process, and that is told in another one. */
function* brokenNews(
  { contract, hears = [] }: Configured,
  elsewhere: readonly Configured[],
  features: readonly Configured[],
): Generator<BadVariable> {
  for (const topic of hears) {
    if (topic.optional) continue;
    const tellers = features.filter(({ announces = [] }) => announces.includes(topic));
    if (tellers.length === 0 || tellers.some((teller) => !elsewhere.includes(teller))) continue;
    const who = tellers.map((teller) => teller.contract.name).join(' or ');
    yield {
      name: 'BUS_KIND',
      reason: `inmem does not leave the process, and ${contract.name} hears of ${who}, which runs elsewhere: set another kind`,
    };
  }
}

/** The share of a wire that has no address, or of no wire at all. */
function* brokenShare(env: Variables, feature: Configured): Generator<BadVariable> {
  const percent = env[grpcPercentVariable(feature)] as number | undefined;
  const addresses = env[urlVariable(feature)] as readonly string[] | undefined;
  if (percent === undefined) return;
  const wanted = grpcPercentVariable(feature);
  if (addresses === undefined) {
    yield { name: wanted, reason: `needs ${urlVariable(feature)}: the addresses among which it shares the calls` };
    return;
  }
  const wire = (text: string): boolean => addresses.some((one) => one.startsWith(text));
  if (percent > 0 && !wire('grpc'))
    yield { name: wanted, reason: `needs a grpc:// address in ${urlVariable(feature)}` };
  if (percent < 100 && !wire('http'))
    yield { name: wanted, reason: `needs an http:// address in ${urlVariable(feature)}` };
}

/** Processes know each other by the secret; outside of a trusted network nobody may read it on its way. */
function* brokenTrust(env: Variables, features: readonly Configured[]): Generator<BadVariable> {
  if (env.INTERNAL_API_SECRET === undefined)
    yield { name: 'INTERNAL_API_SECRET', reason: 'is missing: features that run elsewhere know this process by it' };
  if (env.ENVIRONMENT !== 'production' || env.ALLOW_PLAINTEXT_INTERNAL) return;
  for (const feature of features) {
    const addresses = (env[urlVariable(feature)] ?? []) as readonly string[];
    if (addresses.some((address) => /^(grpc|http):/.test(address)))
      yield { name: urlVariable(feature), reason: 'without TLS (grpcs, https) needs ALLOW_PLAINTEXT_INTERNAL=true' };
  }
}

/** A port that this process listens on, and the variable that says so. */
export interface ListenedPort {
  readonly variable: string;
  readonly port: number;
}

/** All ports that this process listens on, by their variables. */
export function listenersOf(env: Variables, features: readonly Configured[]): ListenedPort[] {
  const served = [...modulesOf(env, features), ...(env.EXPOSE ?? [])];
  const own = features.filter(({ contract }) => served.includes(contract.name));
  return [
    { variable: 'HTTP_PORT', port: env.HTTP_PORT },
    ...(env.GRPC_ENABLED ? [{ variable: 'GRPC_PORT', port: env.GRPC_PORT }] : []),
    ...own.flatMap((feature) => [...(feature.ports?.(env) ?? [])]),
  ];
}
