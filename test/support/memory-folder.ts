import { chmodSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

// What a whole run writes at its fullest, several times over.
const roomBytes = 8 * 2 ** 30;
const memory = '/dev/shm';

/**
 * A new folder in memory, for what the servers and apps of a run write: each of them syncs to the disk as in production,
 * and a disk that others share stands still for seconds now and then. Undefined where memory is short, or where programs
 * in it may not be run; the folder is the caller's to remove.
 */
export function memoryFolder(): string | undefined {
  const mount = lines('/proc/mounts').find((line) => line.split(' ')[1] === memory);
  if (mount === undefined || /\bnoexec\b/.test(mount)) return undefined;
  const { bavail, bsize } = statfsSync(memory);
  const available = Number(
    lines('/proc/meminfo')
      .find((line) => line.startsWith('MemAvailable'))
      ?.match(/\d+/)?.[0],
  );
  if (bavail * bsize < roomBytes || !(available * 1024 > 1.5 * roomBytes)) return undefined;
  const folder = mkdtempSync(join(memory, 'aerie-'));
  // PostgreSQL and MariaDB run as users of their own, who only pass through.
  chmodSync(folder, 0o711);
  return folder;
}

function lines(path: string): string[] {
  return process.platform === 'linux' ? readFileSync(path, 'utf8').split('\n') : [];
}
