import { z } from 'zod';
import { databaseUrl, goDsn, serviceAddresses } from './config.addresses';
import type { BadVariable } from './config.errors';
import type { Variables } from './config.schema';
import { environmentSchema } from './config.schema';
import { decimal, file, filed, isFiled } from './config.values';

/** The variables that only one feature reads, and what it makes of them: the class is the token under which it gets them. */
export interface Settings<Values extends object = object> {
  new (): Values;
  readonly shape: z.ZodRawShape;
  read(environment: Readonly<Record<string, unknown>>): Values;
}

/**
 * The base of a feature's settings: `class ChatSettings extends settings({ CHAT_PORT: ... }, (env) => ({ ... })) {}`. Every
 * variable has a description, which is its comment in `.env.example`.
 */
export function settings<Shape extends z.ZodRawShape, Values extends object>(
  shape: Shape,
  read: (environment: z.output<z.ZodObject<Shape>>) => Values,
): Settings<Values> {
  class FeatureSettings {
    static readonly shape = shape;
    static readonly read = read;
  }
  return FeatureSettings as unknown as Settings<Values>;
}

/** A feature as the configuration knows it. */
export interface Configured {
  readonly contract: { readonly name: string; readonly token: unknown };
  /** The tokens of features without which it does not run. */
  readonly needs?: readonly unknown[];
  /** The topics of the bus that it tells news on, and those that it hears. */
  readonly announces?: readonly { readonly name: string }[];
  readonly hears?: readonly { readonly name: string; readonly optional?: boolean }[];
  readonly settings?: Settings;
  /** Rules that span its variables, or those of all. */
  readonly rules?: (environment: Variables) => Iterable<BadVariable>;
  /** The ports that it listens on by itself. No two listeners of a process may have one port. */
  readonly ports?: (environment: Variables) => Iterable<{ readonly variable: string; readonly port: number }>;
  /** It keeps nothing: there is no variable for a database of its own. */
  readonly keepsNothing?: true;
  /** Another name of its database, as other programs spell it: a MySQL address. */
  readonly databaseAlias?: string;
  /** On SQLite it has a file of its own unless told otherwise: `events` beside `aerie.db` is `aerie.events.db`. */
  readonly ownFile?: string;
}

/** `<FEATURE>_DATABASE_URL` */
export function databaseVariable({ contract }: Configured): string {
  return `${contract.name.toUpperCase().replace(/-/g, '_')}_DATABASE_URL`;
}

/** `<FEATURE>_URL`: where it answers, if that is in another process. */
export function urlVariable({ contract }: Configured): string {
  return `${contract.name.toUpperCase().replace(/-/g, '_')}_URL`;
}

/** `<FEATURE>_GRPC_PERCENT` */
export function grpcPercentVariable({ contract }: Configured): string {
  return `${contract.name.toUpperCase().replace(/-/g, '_')}_GRPC_PERCENT`;
}

/** Every variable of a process that knows these features, in the order of `.env.example`. */
export function variablesOf(features: readonly Configured[]): z.ZodRawShape {
  const shape: Record<string, z.ZodType> = {};
  const add = (name: string, variable: z.ZodType): void => {
    shape[name] = variable;
    // As containers get theirs. Read before all others: see `rawOf`.
    if (isFiled(variable)) shape[`${name}_FILE`] = file.optional().describe(`A file that holds ${name}`);
  };
  for (const [name, variable] of Object.entries(environmentSchema.shape)) {
    add(name, variable);
    if (name === 'EXPOSE') for (const [own, described] of features.flatMap(addressesOf)) add(own, described);
    if (name === 'DB_URL') for (const [own, described] of databasesOf(features)) add(own, described);
  }
  for (const { settings: own } of features)
    for (const [name, variable] of Object.entries(own?.shape ?? {})) add(name, variable as z.ZodType);
  return shape;
}

function addressesOf(feature: Configured): [string, z.ZodType][] {
  const [url, { name }] = [urlVariable(feature), feature.contract];
  const percent = `Of 100 calls to ${name} so many go over gRPC, where ${url} has both; unset: all`;
  return [
    [
      url,
      serviceAddresses().optional().describe(`Where ${name} runs, if elsewhere: grpc://host:9090,http://host:8080`),
    ],
    [grpcPercentVariable(feature), decimal(0, 100).optional().describe(percent)],
  ];
}

function databasesOf(features: readonly Configured[]): [string, z.ZodType][] {
  const keeping = features.filter(({ keepsNothing }) => !keepsNothing);
  const found = keeping.map((feature): [string, z.ZodType] => [
    databaseVariable(feature),
    filed(databaseUrl().optional().describe(`A database of its own for ${feature.contract.name}`)),
  ]);
  for (const alias of new Set(features.flatMap(({ databaseAlias = [] }) => databaseAlias))) {
    const same = features.filter(({ databaseAlias }) => databaseAlias === alias).map(databaseVariable);
    const description = `Another name for ${same.join(' and ')}, also as Go spells it: user:password@tcp(host:3306)/db`;
    found.push([alias, filed(goDsn().optional().describe(description))]);
  }
  return found;
}
