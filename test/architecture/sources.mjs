// The files of this project that people write, parsed once. `root` is the project, or a planted tree in a test.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

const skipped = new Set(['node_modules', 'dist', 'coverage', '.data', '.git']);
const code = /\.[cm]?[jt]s$/;

/** Paths below `folder`, relative to the root, with `/`; empty when there is no such folder. */
export function filesBelow(root, folder) {
  let entries;
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true });
  } catch {
    return [];
  }
  return entries
    .filter((entry) => !skipped.has(entry.name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(root, path) : [path];
    })
    .sort();
}

/** The code in `folders`, without what is generated: `{ path, text, ast }`. */
export function sources(root, folders = ['src', 'test']) {
  return folders
    .flatMap((folder) => filesBelow(root, folder))
    .filter((path) => code.test(path) && !path.startsWith('src/generated/'))
    .map((path) => {
      const text = readFileSync(join(root, path), 'utf8');
      return { path, text, ast: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
    });
}

/** Calls `visit` with every node of the file, outermost first. */
export function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** `src/app.ts:12`, as an editor opens it. */
export function at(source, node) {
  return `${source.path}:${lineOf(source, node.getStart(source.ast))}`;
}

export function lineOf(source, position) {
  return source.ast.getLineAndCharacterOfPosition(position).line + 1;
}
