import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, utimesSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Alarmed, type Fault } from '../support/alarms';
import { makeKeyFile } from '../support/keys';

// The process itself: it is killed, its disk is full, its certificate ends, its key is old.

let folder: string;
let disk: string;

/** On a disk of its own, in memory: a mount that the process alone sees, and that ends with it. */
export async function openOnDisk(): Promise<Alarmed> {
  folder = mkdtempSync(join(tmpdir(), 'aerie-alarms-'));
  disk = join(folder, 'disk');
  mkdirSync(disk);
  const need = 'The test needs a file system of its own: run it as root, or allow user namespaces.';
  const mount = `mount -t tmpfs -o size=32m tmpfs ${disk} || { echo '${need}' >&2; exit 1; }; exec "$@"`;
  const under = ['unshare', '--map-root-user', '--mount', 'sh', '-c', mount, 'sh'];
  const remove = { [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }) };
  return Alarmed.open({ databaseUrl: `sqlite:${join(disk, 'aerie.db')}`, under, beside: [remove] });
}

/** Writes until nothing more can be written there. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(64 * 1024);
  try {
    // A block that fits in part is written in part; the next one fails.
    for (;;) writeSync(file, block);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** A certificate for gRPC that signs itself, with its key, and ends in so many days. */
function certificate(days: number): Readonly<Record<string, string>> {
  const [cert, key] = [join(folder, `${days}.crt`), join(folder, `${days}.key`)];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost', '-days', String(days)];
  execFileSync('openssl', ['req', ...made, '-keyout', key, '-out', cert], { stdio: 'pipe' });
  return { GRPC_TLS_CERT: cert, GRPC_TLS_KEY: key };
}

/** The file of a key that signs players in, last changed so many days ago. */
async function signingKey(days: number): Promise<Readonly<Record<string, string>>> {
  const file = await makeKeyFile(folder, `signing-${days}`);
  const changed = Date.now() / 1000 - days * 86_400;
  utimesSync(file, changed, changed);
  return { JWT_PRIVATE_KEY_FILE: file };
}

export const processFaults: readonly Fault[] = [
  {
    what: 'the process is killed',
    rings: ['AerieProcessDown'],
    make: async (system) => {
      await system.app.kill('SIGKILL');
      return () => system.restart();
    },
  },
  {
    what: 'the disk is full',
    rings: ['AerieDatabaseUnwritable', 'AerieNotReady'],
    make: async (system) => {
      const traffic = system.traffic([system.http]);
      const filler = join(`/proc/${system.app.pid}/root`, disk, 'filler');
      fill(filler);
      return async () => {
        rmSync(filler);
        await traffic[Symbol.asyncDispose]();
      };
    },
  },
  {
    what: 'the certificate ends in five days',
    rings: ['AerieCertificateExpires'],
    make: async (system) => {
      await system.restart(certificate(5));
      return () => system.restart(certificate(90));
    },
  },
  {
    what: 'the key was changed more than a year ago',
    rings: ['AerieKeyOld'],
    make: async (system) => {
      await system.restart(await signingKey(366));
      return async () => system.restart(await signingKey(364));
    },
  },
];
