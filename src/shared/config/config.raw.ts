import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { BadVariable } from './config.errors';
import { cleaned } from './config.secrets';

export type RawEnvironment = Readonly<Record<string, string | undefined>>;

/** The variables of the environment that are meant for Aerie. */
export interface Raw {
  readonly values: RawEnvironment;
  /** The variables whose value came from a file. */
  readonly fromFile: ReadonlySet<string>;
  readonly bad: readonly BadVariable[];
}

const maxFileBytes = 65_536;
// As Kubernetes and Docker set it for a service `redis`: REDIS_PORT=tcp://10.0.0.1:6379
// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
const serviceLink = /^(tcp|udp|sctp):\/\//i;
const linked = /(^|_)(PORT|HOST|ADDR)$/;
// HOST=x86_64-conda-linux-gnu: what compilers are made for.
const triplet = /^\w+-\w+-(linux-\w+|darwin[\d.]*)$/;

/**
 * The variables of these names. An empty one counts as unset, as compose files and `.env` templates leave them; so does
 * what platforms and shells set for purposes of their own, and an alias that nothing uses.
 */
export function rawOf(environment: RawEnvironment, names: readonly string[]): Raw {
  const values: Record<string, string> = {};
  for (const name of names) {
    const value = cleaned(environment[name] ?? '');
    if (value !== '' && !(linked.test(name) && serviceLink.test(value))) values[name] = value;
  }
  if (isMachine(values)) delete values.HOST;
  if (values.REDIS_HOST === undefined) delete values.REDIS_PORT;
  if (values.GRPC_ENABLED === 'false') delete values.GRPC_PORT;
  return { values, ...fromFiles(values, names) };
}

/** Shells export the machine's name as HOST: while developing nobody means to listen there. */
function isMachine({ HOST = '', ENVIRONMENT = 'development', AUTH_REQUIRED }: RawEnvironment): boolean {
  if (triplet.test(HOST)) return true;
  return ENVIRONMENT === 'development' && AUTH_REQUIRED === undefined && HOST === hostname();
}

/** Puts what `<NAME>_FILE` holds in the place of `<NAME>`. */
function fromFiles(values: Record<string, string>, names: readonly string[]): Pick<Raw, 'fromFile' | 'bad'> {
  const fromFile = new Set<string>();
  const bad: BadVariable[] = [];
  for (const name of names) {
    const file = values[`${name}_FILE`];
    if (file === undefined || !names.includes(`${name}_FILE`)) continue;
    const { text, reason } = readSecret(file);
    if (text === undefined) bad.push({ name: `${name}_FILE`, reason });
    else if ((values[name] ?? text) !== text)
      bad.push({ name: `${name}_FILE`, reason: `differs from ${name}: set one` });
    if (text !== undefined) {
      values[name] = text;
      fromFile.add(name);
    }
  }
  return { fromFile, bad };
}

function readSecret(file: string): { readonly text?: string; readonly reason: string } {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > maxFileBytes) return { reason: 'names a file that is too large for a secret' };
    const text = cleaned(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return text === '' ? { reason: 'names a file that is empty' } : { text, reason: '' };
  } catch {
    return { reason: 'names a file that cannot be read as text' };
  }
}
