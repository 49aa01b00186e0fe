import type { Place } from './config';
import type { BadVariable } from './config.errors';
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

/** Every address that is told, each once. */
export function addressesOf(env: Variables, features: readonly Configured[]): readonly string[] {
  return [...new Set(features.flatMap((feature) => (env[urlVariable(feature)] ?? []) as readonly string[]))];
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
  const names = features.map(({ contract }) => contract.name);
  const here = modulesOf(env, features);
  const places = placesOf(env, features);
  const unknown = (['MODULES', 'EXPOSE'] as const).filter((name) => env[name]?.some((one) => !names.includes(one)));
  for (const name of unknown) yield { name, reason: `must be some of ${names.join(', ')}` };
  // What else is missing depends on them.
  if (unknown.length > 0) return;
  const twice = env.EXPOSE?.find((name) => env.MODULES?.includes(name));
  if (twice !== undefined) yield { name: 'EXPOSE', reason: `names ${twice}, which MODULES runs here: choose one` };
  for (const feature of features) {
    const { contract, needs = [] } = feature;
    const url = urlVariable(feature);
    if (env.EXPOSE?.includes(contract.name) && !here.includes(contract.name) && !(contract.name in places))
      yield { name: url, reason: `is missing: EXPOSE answers for ${contract.name}, which runs elsewhere` };
    yield* brokenShare(env, feature);
    if (!here.includes(contract.name)) continue;
    const isElsewhere = (other: Configured): boolean => !here.includes(other.contract.name);
    for (const other of features.filter(({ contract: { token } }) => needs.includes(token)).filter(isElsewhere))
      if (!(other.contract.name in places))
        yield {
          name: urlVariable(other),
          reason: `is missing: ${contract.name} needs ${other.contract.name}; run it here, too (MODULES), or say where it runs`,
        };
    if (busKindOf(env) === 'inmem') yield* brokenNews(feature, features.filter(isElsewhere), features);
  }
  if (Object.keys(places).length > 0) yield* brokenTrust(env, features);
}

/** News that the feature hears only in this process, and that is told in another one. */
function* brokenNews(
  { contract, hears = [] }: Configured,
  elsewhere: readonly Configured[],
  features: readonly Configured[],
): Generator<BadVariable> {
  for (const topic of hears) {
    const tellers = features.filter(({ announces = [] }) => announces.includes(topic));
    if (tellers.length === 0 || tellers.some((teller) => !elsewhere.includes(teller))) continue;
    const who = tellers.map((teller) => teller.contract.name).join(' or ');
    yield {
      name: 'BUS_KIND',
      reason: `inmem does not leave the process, and ${contract.name} hears of ${who}, which runs elsewhere: set another kind`,
    };
  }
}

/** The share of a wire that has no address. */
function* brokenShare(env: Variables, feature: Configured): Generator<BadVariable> {
  const percent = env[grpcPercentVariable(feature)] as number | undefined;
  const addresses = env[urlVariable(feature)] as readonly string[] | undefined;
  if (percent === undefined || addresses === undefined) return;
  const [wire, wanted] = [
    (text: string) => addresses.some((one) => one.startsWith(text)),
    grpcPercentVariable(feature),
  ];
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
