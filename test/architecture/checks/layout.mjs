import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { filesBelow, projectRoot } from '../sources.mjs';

export const name = 'layout (where files are and what they are called)';

const top = new Set([
  ...['src', 'test', 'proto', 'docker', 'README.md', 'README.ko.md', 'LICENSE', 'CHANGELOG.md'],
  ...['nest-cli.json', 'package.json', 'package-lock.json', 'tsconfig.json'],
]);
const inSrc = new Set(['main.ts', 'app.ts', 'app.module.ts', 'features', 'shared', 'client', 'generated']);
const nameless = /^(utils?|helpers?|common|misc|lib|types)(\.[jt]s)?$/;
/** A page is served as it stands: `chat.page.html`, `chat.page.css`, and `chat.page.log.js` where it has several parts. */
const pageFile = /^[a-z0-9-]+\.page(\.[a-z0-9-]+)?\.(html|css|js)$/;
/** The one feature that may have a level of folders below it. */
const nested = 'ticketing';

export async function run(root = projectRoot) {
  const stray = topLevel(root).filter((entry) => !top.has(entry) && !entry.startsWith('.'));
  const src = filesBelow(root, 'src').filter((path) => !path.startsWith('src/generated/'));
  return [
    ...stray.map((entry) => `${entry}: the top level holds only ${[...top].join(', ')} and dotfiles`),
    ...src.flatMap(namesIn),
  ];
}

/** What git would carry; without git, what is there. */
function topLevel(root) {
  if (!existsSync(join(root, '.git')))
    return readdirSync(root).filter((entry) => !['node_modules', 'dist', 'coverage'].includes(entry));
  const arguments_ = ['ls-files', '--cached', '--others', '--exclude-standard'];
  const listed = execFileSync('git', arguments_, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  return [
    ...new Set(
      listed
        .split('\n')
        .filter(Boolean)
        .map((path) => path.split('/')[0]),
    ),
  ].filter((entry) => existsSync(join(root, entry)));
}

function namesIn(path) {
  const [, area, ...rest] = path.split('/');
  const problems = [];
  if (!inSrc.has(area)) problems.push('src holds main, app, app.module, features, shared, client, generated');
  const nameOff = path.split('/').find((part) => nameless.test(part));
  if (nameOff) problems.push(`"${nameOff}" says nothing: name it after the thing`);
  if (/(^|\/)index\.ts$/.test(path) && path !== 'src/features/index.ts')
    problems.push('no barrels but features/index.ts');
  if (!path.endsWith('.ts') && !isPageFile(area, rest))
    problems.push('src holds TypeScript, and in features what a page is made of: <feature>.page.html, .css, .js');
  if (!/^[a-z0-9./-]+$/.test(path)) problems.push('names are lower-case-with-dashes');
  if (area === 'features' && rest[0] !== 'index.ts') problems.push(...featureNames(rest));
  if (area === 'shared' && rest.length !== 2)
    problems.push('shared is one folder per mechanism, flat: shared/<thing>/<file>');
  return problems.map((problem) => `${path}: ${problem}`);
}

function isPageFile(area, rest) {
  return area === 'features' && pageFile.test(rest.at(-1) ?? '');
}

function featureNames(rest) {
  const [feature, ...inside] = rest;
  const file = inside.at(-1);
  if (file === undefined) return ['features holds index.ts and one folder per feature'];
  if (inside.length > (feature === nested ? 2 : 1)) return ['a feature is flat'];
  const prefixes = inside.length === 2 ? [feature, inside[0]] : [feature];
  return prefixes.some((prefix) => file.startsWith(`${prefix}.`))
    ? []
    : [`files of ${feature} are called ${feature}.<kind>.ts`];
}
