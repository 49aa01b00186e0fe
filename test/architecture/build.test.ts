import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../support/eventually';
import { familyOf } from '../support/processes';
import { plant } from './planted';

const project = join(__dirname, '../..');
const settings = [
  'package.json',
  'tsconfig.json',
  'nest-cli.json',
  'test/architecture/tsconfig.build.json',
  '.ci/build.mjs',
];

/** A process and its first child, once it has one. */
async function eventuallyTwo(pid: number): Promise<number[]> {
  await eventually(async () => expect(familyOf(pid)).toHaveLength(2), 60_000);
  return familyOf(pid);
}

describe('.ci/build.mjs', () => {
  let root: string;
  const inDist = (path: string) => existsSync(join(root, 'dist', path));

  function build(): Promise<{ status: number | null; said: string }> {
    const child = spawn(process.execPath, [join(root, '.ci/build.mjs')], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    child.stdout.on('data', (chunk) => (said += `stdout: ${chunk}`));
    child.stderr.on('data', (chunk) => (said += chunk));
    return new Promise((resolve) => child.on('close', (status) => resolve({ status, said })));
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'build-'));
    for (const path of settings) await cp(join(project, path), join(root, path));
    await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
    await plant(root, { 'src/main.ts': "console.log('up');\n", 'src/extra.ts': 'export {};\n' });
  });

  afterAll(() => rm(root, { recursive: true, force: true }));

  it('builds once when several processes start on a stale dist', async () => {
    const both = await Promise.all([build(), build()]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(both.map(({ said }) => said).sort()).toEqual(['', expect.stringMatching(/^Built in [\d.]+ s\n$/)]);
    expect([inDist('main.js'), inDist('extra.js')]).toEqual([true, true]);
  }, 60_000);

  it('says and does nothing while nothing has changed', async () => {
    expect(await build()).toEqual({ status: 0, said: '' });
  });

  it('builds again after a file is gone, and leaves nothing of it behind', async () => {
    await rm(join(root, 'src/extra.ts'));
    expect((await build()).said).toMatch(/^Built in/);
    expect([inDist('main.js'), inDist('extra.js')]).toEqual([true, false]);
  }, 60_000);

  it('copies what a page is made of, and builds again after a change of it', async () => {
    const page = [
      'features/a/a.page.html',
      'features/a/a.page.css',
      'features/a/a.page.js',
      'features/a/a.page.list.js',
    ];
    await plant(root, Object.fromEntries(page.map((path) => [`src/${path}`, path])));
    expect((await build()).said).toMatch(/^Built in/);
    expect(page.filter(inDist)).toEqual(page);
    await plant(root, { 'src/features/a/a.page.css': 'b {}' });
    expect((await build()).said).toMatch(/^Built in/);
    expect(await readFile(join(root, 'dist/features/a/a.page.css'), 'utf8')).toBe('b {}');
  }, 60_000);

  it('builds again after a build that was cut off', async () => {
    await rm(join(root, 'dist/.stamp'));
    expect((await build()).said).toMatch(/^Built in/);
  }, 60_000);

  it('ends its compiler with itself, and leaves no lock', async () => {
    await rm(join(root, 'dist/.stamp'));
    const child = spawn(process.execPath, [join(root, '.ci/build.mjs')], { stdio: 'ignore' });
    const family = await eventuallyTwo(child.pid ?? Number.NaN);
    child.kill('SIGTERM');
    expect(await new Promise((resolve) => child.on('close', (_code, signal) => resolve(signal)))).toBe('SIGTERM');
    expect(family.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(await readdir(join(root, 'node_modules/.cache'))).not.toContain('aerie-build.lock');
  }, 120_000);

  it('fails on a type error, and does not start what was built before it', async () => {
    await plant(root, { 'src/main.ts': "const port: number = 'a';\nconsole.log(port);\n" });
    for (const attempt of [1, 2]) {
      expect({ attempt, ...(await build()) }).toEqual({ attempt, status: 1, said: expect.stringContaining('TS2322') });
    }
    expect(await readdir(join(root, 'node_modules/.cache'))).not.toContain('aerie-build.lock');
  }, 60_000);
});
