import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { AddressError, notUnderstood, type UrlOptions } from './url-options';

/** How a connection is encrypted; as node:tls names it. Certificates and keys are PEM. */
export interface TlsChoice {
  /** True when an authority that we believe must have signed the server's certificate. */
  readonly rejectUnauthorized: boolean;
  /** True when it must be the certificate of the host that we asked for. */
  readonly verifyIdentity: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly passphrase?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
}

const levels = ['off', 'encrypted', 'ca', 'full'] as const;
/** off: plain · encrypted: whoever the server is · ca: signed by an authority · full: and for this host. */
type Level = (typeof levels)[number];

interface Wish {
  readonly name: string;
  /** `on`: TLS, and how strict is up to us. */
  readonly level: Level | 'on';
}

// In the words of libpq, JDBC, Npgsql and node for PostgreSQL, of the mysql client, mysql2, Go, Connector/J and Prisma for
// MySQL, without case and punctuation. What would do without TLS (allow, prefer) gets TLS or no connection as well.
const words: Readonly<Record<string, Level | 'on'>> = {
  ...of('off', 'disable disabled false 0 no off none'),
  ...of('on', 'true 1 yes on enable enabled t y'),
  ...of('encrypted', 'allow prefer preferred require required noverify skipverify trust acceptinvalidcerts insecure'),
  ...of('ca', 'verifyca'),
  ...of('full', 'verifyfull verifyidentity verify strict'),
  // `?ssl`
  '': 'on',
};
const modeNames = ['sslmode', 'ssl', 'tls', 'tlsmode', 'usessl', 'usetls', 'requiressl', 'sslaccept', 'sslenabled'];
// [name, what `true` asks for, what `false` asks for]; undefined: nothing.
const checks: readonly (readonly [string, Level | undefined, Level | undefined])[] = [
  ['verifyservercertificate', 'ca', 'encrypted'],
  ['sslverifyservercert', 'full', 'encrypted'],
  ['sslverifycert', 'ca', 'encrypted'],
  ['sslverifyidentity', 'full', undefined],
  ['sslcheckhostname', 'full', 'ca'],
  ['rejectunauthorized', 'full', 'encrypted'],
  ['trustservercertificate', 'encrypted', undefined],
  ['disablesslhostnameverification', 'ca', undefined],
  ['skipverify', 'encrypted', undefined],
  ['ssldisabled', 'off', undefined],
];

function of(level: Level | 'on', names: string): Record<string, Level | 'on'> {
  return Object.fromEntries(names.split(' ').map((name) => [name, level]));
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/**
 * Reads what an address says about TLS, in the words of any driver: TLS when something asks for it, undefined when nothing does.
 * `asked`: the address asks for it already, by its scheme. @throws AddressError for what is not understood, contradicts
 * itself, or names a file that cannot be used
 */
export function takeTls(options: UrlOptions, asked = false): TlsChoice | undefined {
  const wishes = [...modes(options), ...(asked ? [{ name: 'its scheme', level: 'on' } as const] : [])];
  const conditions = [...conditionsOf(options)];
  const files = filesOf(options);
  const off = [...wishes, ...conditions].find(({ level }) => level === 'off');
  const on = [...wishes, ...files.wishes, ...conditions.filter(({ strict }) => strict)].find(
    ({ level }) => level !== 'off',
  );
  if (off && on) throw new AddressError(`asks for TLS (${on.name}) and against it (${off.name})`);
  if (off) return undefined;
  const all = [...wishes, ...files.wishes, ...conditions];
  if (all.length === 0) return undefined;
  return choiceOf(strictest(all), files.options);
}

function choiceOf(level: Level, options: Omit<TlsChoice, 'rejectUnauthorized' | 'verifyIdentity'>): TlsChoice {
  // As libpq does: who names the authority wants it to be asked.
  const checked = level === 'encrypted' && options.ca !== undefined ? 'ca' : level;
  return { rejectUnauthorized: checked !== 'encrypted', verifyIdentity: checked === 'full', ...options };
}

/** The strictest that was asked for in so many words; all there is when it was not said how strict. */
function strictest(wishes: readonly Wish[]): Level {
  const said = wishes.flatMap(({ level }) => (level === 'on' ? [] : [levels.indexOf(level)]));
  return levels[said.length === 0 ? 3 : Math.max(...said)] ?? 'full';
}

function* modes(options: UrlOptions): Generator<Wish> {
  for (const known of modeNames) {
    const option = options.takeOption(known);
    if (!option) continue;
    const level = option.value.startsWith('{') ? jsonLevel(option.value) : words[plain(option.value)];
    if (level === undefined) throw notUnderstood(option.name);
    // Connector/J and the old libpq check nothing there.
    const careless = level === 'on' && ['usessl', 'requiressl'].includes(known);
    // `requiressl=0` does not say that there must be none.
    if (known === 'requiressl' && level === 'off') continue;
    yield { name: option.name, level: careless ? 'encrypted' : level };
  }
  const { name = '', value } = options.takeOption('sslcertreqs') ?? {};
  if (value === undefined) return;
  const level = { certrequired: 'full', required: 'full', certoptional: 'encrypted', optional: 'encrypted' }[
    plain(value)
  ];
  if (level === undefined && !/^(cert_?)?none$/i.test(value)) throw notUnderstood(name);
  yield { name, level: (level ?? 'encrypted') as Level };
}

// As mysql2 has it: ssl={"rejectUnauthorized":true}
function jsonLevel(text: string): Level | undefined {
  const found = /^\{\s*(?:"rejectUnauthorized"\s*:\s*(true|false))?\s*\}$/.exec(text);
  if (!found) return undefined;
  return found[1] === 'false' ? 'encrypted' : 'full';
}

/** How strict the check is to be. `strict`: it asks for a check, and so for TLS; the others only ask for less of it. */
function* conditionsOf(options: UrlOptions): Generator<Wish & { readonly strict: boolean }> {
  for (const [known, whenTrue, whenFalse] of checks) {
    const option = options.takeOption(known);
    if (!option) continue;
    const word = words[plain(option.value)];
    if (word !== 'on' && word !== 'off') throw notUnderstood(option.name);
    const level = word === 'on' ? whenTrue : whenFalse;
    if (level === undefined) continue;
    const careful = level === 'full' || level === 'ca';
    yield { name: option.name, level, strict: careful && word === 'on' && known !== 'disablesslhostnameverification' };
  }
}

interface TlsFiles {
  readonly wishes: readonly Wish[];
  readonly options: Omit<TlsChoice, 'rejectUnauthorized' | 'verifyIdentity'>;
}

function filesOf(options: UrlOptions): TlsFiles {
  const root = options.takeOption('sslrootcert', 'sslca', 'sslcacerts', 'sslcafile', 'serversslcert');
  const cert = options.takeOption('sslcert', 'sslcertfile');
  const key = options.takeOption('sslkey', 'sslkeyfile');
  const passphrase = options.take('sslpassword', 'sslkeypassword');
  if ((cert === undefined) !== (key === undefined))
    throw new AddressError(`names only one of certificate and key of the client: ${(cert ?? key)?.name}`);
  // libpq: the authorities that the system believes, and the host is checked.
  const system = root?.value === 'system';
  const made = {
    ...(root && !system ? { ca: pem(root, (text) => new X509Certificate(text)) } : {}),
    ...(cert && key ? { cert: pem(cert, (text) => new X509Certificate(text)), key: pem(key) } : {}),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...versions(options),
  };
  try {
    createSecureContext(made);
  } catch {
    throw new AddressError(`names a certificate and a key that do not go together: ${cert?.name} and ${key?.name}`);
  }
  const wishes = [root, cert].flatMap((each) => (each ? [{ name: each.name, level: 'on' } as const] : []));
  return { wishes: system && root ? [{ name: root.name, level: 'full' }, ...wishes] : wishes, options: made };
}

function pem({ name, value }: { name: string; value: string }, check?: (text: string) => unknown): string {
  try {
    const text = readFileSync(value, 'utf8');
    check?.(text);
    return text;
  } catch {
    throw new AddressError(`names with ${name} a file that cannot be read or is not PEM`);
  }
}

function versions(options: UrlOptions): Pick<TlsChoice, 'minVersion' | 'maxVersion'> {
  const version = (known: string): TlsChoice['minVersion'] => {
    const option = options.takeOption(known);
    if (!option) return undefined;
    if (option.value === 'TLSv1.2' || option.value === 'TLSv1.3') return option.value;
    throw notUnderstood(option.name);
  };
  const minVersion = version('sslminprotocolversion');
  const maxVersion = version('sslmaxprotocolversion');
  return { ...(minVersion && { minVersion }), ...(maxVersion && { maxVersion }) };
}

/** As node:tls takes it. */
export function nodeTls({ verifyIdentity, ...options }: TlsChoice): object {
  return verifyIdentity ? options : { ...options, checkServerIdentity: () => undefined };
}
