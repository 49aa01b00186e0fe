import { accessSync, constants, readFileSync, type Stats, statSync } from 'node:fs';
import type { Config } from '../config/config';
import { isLoopback } from '../config/config.listeners';
import { type Finding, Patient } from '../findings/finding';

const leastDistinct = 12;
const spareFiles = 200;
const leastMemoryMb = 256;
const mb = 1_048_576;
const guessed = /password|secret|change|example|letmein|qwerty|12345|abcdef|aerie/i;

/** Looks at what is allowed and should not be, and at what this machine gives the process. */
export function lookAtSettings(config: Config): Finding[] {
  return [...lookAtSecrets(config), ...lookAtKeys(config), ...lookAtRules(config), ...lookAtMachine(config)];
}

function lookAtSecrets(config: Config): Finding[] {
  const named: [string, readonly Buffer[]][] = [
    ['HMAC_SECRET, HMAC_KEYS', config.hmacKeys.map(({ secret }) => secret)],
    ['RECEIPT_KEYS', config.receiptKeys.map(({ secret }) => secret)],
    ['GRANT_KEYS', config.grantKeys.map(({ secret }) => secret)],
    ['INTERNAL_API_SECRET', config.internalSecrets],
  ];
  return named.flatMap(([name, secrets]) => {
    const patient = new Patient('secret', name);
    if (secrets.length === 0) return [];
    if (config.environment === 'development' && isLoopback(config.http.host))
      patient.well('on a machine of your own anything does');
    else if (secrets.some(isWeak))
      patient.warn(
        'it can be guessed',
        'openssl rand -hex 32 makes a new one; keep the old one beside it while it is replaced.',
      );
    else patient.well();
    return patient.findings;
  });
}

/** Long enough, and yet few different bytes, one of a dictionary, or a word again and again. */
function isWeak(secret: Buffer): boolean {
  const text = secret.toString('utf8');
  return new Set(secret).size < leastDistinct || guessed.test(text);
}

function lookAtKeys({ jwt, environment }: Config): Finding[] {
  return jwt.privateKeyFiles.flatMap((file) => {
    const patient = new Patient('key', `JWT_PRIVATE_KEY_FILE ${file}`);
    const { there, unreadable } = lookAtFile(file);
    if (unreadable !== undefined)
      patient.fail(`it cannot be read: ${unreadable}`, 'Give this user the right to read it, and to enter its folder.');
    else if (!there && jwt.makeKey && environment === 'development') patient.well('it is made at the first start');
    // A group may be the process's own, as that of a volume is.
    else if (there && (there.mode & 0o007) !== 0)
      patient.warn('others on this machine may read it', `chmod 600 ${file}: whoever has it is everybody.`);
    else patient.well();
    return patient.findings;
  });
}

/** Whether it is there, and the code of the error where this user may not read it. */
function lookAtFile(file: string): { readonly there?: Stats; readonly unreadable?: string } {
  try {
    const there = statSync(file, { throwIfNoEntry: false });
    if (!there) return {};
    accessSync(file, constants.R_OK);
    return { there };
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    return { unreadable: code };
  }
}

function lookAtRules({ environment, logLevel, publicUrl, trustedProxies, authRequired }: Config): Finding[] {
  const patient = new Patient('settings', environment);
  if (environment !== 'development' && (logLevel === 'debug' || logLevel === 'trace'))
    patient.warn(
      `LOG_LEVEL is ${logLevel}: a line for each request`,
      'LOG_LEVEL=info; what is slow or fails is logged there, too.',
    );
  if (environment === 'staging' && !authRequired)
    patient.warn('AUTH_REQUIRED is false: everybody on this machine is the administrator', 'AUTH_REQUIRED=true');
  if (publicUrl !== undefined && trustedProxies.length === 0)
    patient.warn(
      'PUBLIC_URL names a proxy, and TRUSTED_PROXIES none: all callers have one address, and share its limits',
      'Name the proxy in TRUSTED_PROXIES.',
    );
  if (patient.findings.length === 0) patient.well();
  return patient.findings;
}

function lookAtMachine({ limits: { connections } }: Config): Finding[] {
  const patient = new Patient('machine', `Node ${process.version}, ${process.platform}`);
  const files = openFiles();
  if (files !== undefined && files < connections + spareFiles)
    patient.warn(
      `the process may open ${files} files, and CONNECTIONS_MAX is ${connections}`,
      `ulimit -n ${connections + spareFiles}, LimitNOFILE of its unit, or a lower CONNECTIONS_MAX.`,
    );
  const memoryMb = Math.floor(process.constrainedMemory() / mb);
  if (memoryMb > 0 && memoryMb < leastMemoryMb)
    patient.warn(
      `the process may use ${memoryMb} MB`,
      `Give it ${leastMemoryMb} MB, and more where many are connected.`,
    );
  if (patient.findings.length === 0) patient.well();
  return patient.findings;
}

/** Undefined where nobody says. */
function openFiles(): number | undefined {
  if (process.platform !== 'linux') return undefined;
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === undefined ? undefined : Number(soft);
}
