import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Installing Aerie tells nobody about it.

const project = join(__dirname, '../..');

test.each(['audit', 'fund', 'update-notifier'])('npm config: %s is off', (name) => {
  expect(execFileSync('npm', ['config', 'get', name], { cwd: project, encoding: 'utf8' }).trim()).toBe('false');
});

test('the script of Scarf, which is run by an npm that knows no allowScripts, reports nothing', async () => {
  const calls: string[] = [];
  const server = createServer((request, response) => {
    calls.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const npm = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim();
  // It waits 3 s for this, which npm may need longer for: so it is asked beforehand.
  const asked = ['ls', '@scarf/scarf', '--json', '--long'];
  const folder = mkdtempSync(join(tmpdir(), 'aerie-npm-'));
  writeFileSync(join(folder, 'answer.json'), execFileSync('npm', asked, { cwd: project }));
  const answers = `#!/bin/sh\n[ "$*" = '${asked.join(' ')}' ] && exec cat '${folder}/answer.json'\nexit 1\n`;
  writeFileSync(join(folder, 'npm'), answers, { mode: 0o755 });
  const script = spawn(process.execPath, ['report.js'], {
    cwd: join(project, 'node_modules/@scarf/scarf'),
    env: {
      PATH: `${folder}:${process.env.PATH ?? ''}`,
      INIT_CWD: project,
      npm_execpath: join(npm, 'npm/bin/npm-cli.js'),
      SCARF_VERBOSE: 'true',
      SCARF_LOCAL_PORT: String((server.address() as AddressInfo).port),
    },
  });
  let said = '';
  for (const stream of [script.stdout, script.stderr]) stream.on('data', (chunk) => (said += chunk));
  await new Promise((resolve) => script.once('close', resolve));
  server.close();
  rmSync(folder, { recursive: true });
  expect(calls).toEqual([]);
  expect(said).toMatch(/opted out|disabled/i);
});

test('every package with a script at its installation was looked at', () => {
  const { allowScripts } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    allowScripts: Record<string, boolean>;
  };
  const { packages } = JSON.parse(readFileSync(join(project, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean; optional?: boolean }>;
  };
  const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = scripted.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  // Of macOS only.
  expect(names.filter((name) => !(name in allowScripts) && name !== 'fsevents')).toEqual([]);
});
