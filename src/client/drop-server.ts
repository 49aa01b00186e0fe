import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unavailable } from '../shared/errors/common.errors';

const readyMs = 60_000;
const program = join(__dirname, '..', 'main.js');

/** A server of the demonstration's own, whose operator it is; gone with everything in it when it is disposed of. */
export interface DropServer extends AsyncDisposable {
  readonly url: string;
  /** Its INTERNAL_API_SECRET. */
  readonly secret: string;
}

/** Starts it on free loopback ports with a SQLite file in a folder of its own. @throws AppError unavailable */
export async function startDropServer(): Promise<DropServer> {
  const folder = await mkdtemp(join(tmpdir(), 'aerie-drop-'));
  const secret = randomBytes(24).toString('base64url');
  const env = {
    ...{ HTTP_PORT: '0', GRPC_PORT: '0', INTERNAL_API_SECRET: secret },
    ...{ MODULES: 'users,auth,reservations,payments,queue', DATABASE_URL: `sqlite:${join(folder, 'drop.db')}` },
    SHUTDOWN_DRAIN_MS: '0',
  };
  const child = spawn(process.execPath, [program], { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const dispose = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const port = await Promise.race([readyPort(child.stdout), ended.then(() => undefined), late()]);
  if (port === undefined) {
    await dispose();
    throw unavailable(new Error('The server of the demonstration has not started'));
  }
  return { url: `http://127.0.0.1:${port}`, secret, [Symbol.asyncDispose]: dispose };
}

/** Its log says where it listens. */
async function readyPort(lines: AsyncIterable<Buffer>): Promise<string | undefined> {
  let text = '';
  for await (const chunk of lines) {
    text += chunk.toString();
    const [, port] = /"port":(\d+)[^\n]*"app_ready"/.exec(text) ?? [];
    if (port !== undefined) return port;
  }
  return undefined;
}

function late(): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), readyMs).unref());
}
