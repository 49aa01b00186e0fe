import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const daily = {
  mariadbd: 'mariadb-server',
  'mariadb-install-db': 'mariadb-server',
  postgres: 'postgresql',
  initdb: 'postgresql',
  'redis-server': 'redis-server',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  etcd: 'etcd-server',
  pgbouncer: 'pgbouncer',
  // It draws no letter without a font.
  chromium: 'chromium fonts-dejavu-core',
};

// For foreign parts alone.
const foreign = { java: 'default-jre-headless', mvn: 'maven' };
const packages = { ...daily, ...foreign };

/** A server program that the tests start. */
export type Program = keyof typeof packages;

function folders(): string[] {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...(process.env.PATH ?? '').split(delimiter),
    '/usr/sbin',
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
}

function find(program: Program): string | undefined {
  return folders()
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}

/** The full path of a server program; throws a sentence that says what to install when it is missing. */
export function pathOf(program: Program): string {
  const path = find(program);
  if (path) return path;
  throw new Error(
    `The tests need ${program}: install ${packages[program]} (Debian: apt-get install ` +
      `${[...new Set(Object.values(packages))].join(' ')}). With TEST_POSTGRES_URL and TEST_MYSQL_URL ` +
      'the first two are not needed.',
  );
}

function canInstall(): boolean {
  return process.getuid?.() === 0 && folders().some((folder) => existsSync(join(folder, 'apt-get')));
}

/** Makes sure that these programs are there: installs Debian's packages when root, else says what to install. */
export function ensurePrograms(programs: readonly Program[]): void {
  const missing = programs.filter((program) => !find(program));
  if (missing.length > 0 && canInstall()) {
    const names = [...new Set(missing.flatMap((program) => packages[program].split(' ')))];
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    execFileSync('apt-get', ['update'], { stdio: 'inherit', env });
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', ...names], { stdio: 'inherit', env });
  }
  for (const program of programs) pathOf(program);
}
