import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Occupies all threads that Node has for work beside the event loop (libuv's pool), until it is disposed of: each waits in
 * open(2) for the writer of a named pipe. What comes after them waits.
 */
export function holdThreads(): Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'aerie-threads-'));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const readers = Array.from({ length: Number(process.env.UV_THREADPOOL_SIZE ?? 4) }, () => open(pipe, 'r'));
  return {
    [Symbol.dispose]: () => {
      // Both ends at once, which waits for nobody; kept until every reader that was still to come has opened it.
      const writer = openSync(pipe, constants.O_RDWR);
      const opened = Promise.all(readers.map(async (reader) => (await reader).close()));
      void opened.finally(() => {
        closeSync(writer);
        rmSync(folder, { recursive: true });
      });
    },
  };
}
