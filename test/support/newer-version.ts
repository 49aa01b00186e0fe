import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './app';

const root = join(__dirname, '..', '..');

/** The features through which every event goes, and those of their tables that have a player in each row. */
const changed = {
  'events-gateway': ['game_events'],
  fairness: ['fairness_flags', 'fairness_blocks'],
  progression: ['progression_players', 'progression_rewards'],
  leaderboard: ['leaderboard_scores'],
} as const;

/** The application as it is built, one version on. */
export interface NewerVersion extends Disposable {
  /** What stands for `dist`. */
  readonly dist: string;
  readonly version: string;
  /** The names of its further migrations. */
  readonly migrations: readonly string[];
}

/** Makes the next version, in a folder of its own: its migrations do to the busiest tables what releases do. */
export function newerVersion(): NewerVersion {
  ensureBuilt();
  const folder = mkdtempSync(join(tmpdir(), 'aerie-newer-'));
  const dist = join(folder, 'dist');
  cpSync(join(root, 'dist'), dist, { recursive: true });
  for (const name of ['node_modules', 'proto']) symlinkSync(join(root, name), join(folder, name));
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const version = manifest.version.replace(/^\d+/, (major) => String(Number(major) + 1));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version }));
  const migrations = Object.entries(changed).flatMap(([feature, tables]) =>
    tables.flatMap((table) => {
      const added = migrationsOf(table);
      const file = join(dist, 'features', feature, `${feature}.migrations.js`);
      const list = `exports.${feature.replace(/-(.)/g, (_all, letter: string) => letter.toUpperCase())}Migrations`;
      appendFileSync(file, `\n${list}.push(${added.map(({ code }) => code).join(', ')});\n`);
      return added.map(({ name }) => name);
    }),
  );
  return { dist, version, migrations, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

let made = 0;

/** A column with a default, one without a value, longer ids, an index: as code of the application's own. */
function migrationsOf(table: string): { readonly name: string; readonly code: string }[] {
  const of = (what: string, builder: string, rest: string) => {
    made += 1;
    const name = `${what}${table.replace(/(?:^|_)(.)/g, (_all, letter: string) => letter.toUpperCase())}${1_900_000_000_000 + made}`;
    return { name, code: `(0, require('../../shared/db/table.migration').${builder})('${name}', ${rest})` };
  };
  const column = (call: string): string => `'${table}', (type) => require('../../shared/db/columns').${call}`;
  const index = `'${table}', new (require('typeorm').TableIndex)({ name: '${table}_newer', columnNames: ['player_id', 'season'] })`;
  return [
    of('AddSeason', 'addColumn', column(`text(type, 'season', 32, { default: "''" })`)),
    of('AddSeenAt', 'addColumn', column(`bigint(type, 'seen_at', { isNullable: true })`)),
    of('Widen', 'widenText', `[{ table: '${table}', column: 'player_id', from: 128, to: 160 }]`),
    of('Index', 'addIndex', index),
  ];
}
