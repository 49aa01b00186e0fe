import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(__dirname, '../..');

/** Runs the bench as `npm run bench` does; answers its exit code and all that it has printed. */
export function bench(...args: string[]): Promise<{ status: number | null; said: string }> {
  const child = spawn(process.execPath, ['.ci/start.mjs', 'test/bench/bench.mjs', ...args], { cwd: root });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, said })));
}
