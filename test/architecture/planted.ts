import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** Files of a small project: path to text. */
export type Tree = Readonly<Record<string, string>>;

/** Writes each tree to a folder of its own, runs one of checks/ on all of them, and says what it found in each. */
export async function inspect(check: string, trees: readonly Tree[]): Promise<string[][]> {
  await using parent = await temporaryFolder();
  const roots = trees.map((_, index) => join(parent.path, String(index)));
  await Promise.all(trees.map((tree, index) => plant(roots[index]!, tree)));
  // Awaited here, or the folder is gone before the check has read it.
  return await inspectRoots(check, roots);
}

/** Runs one of checks/ on folders that are there already. */
export async function inspectRoots(check: string, roots: readonly string[]): Promise<string[][]> {
  const script = join(__dirname, 'inspect.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [script, check, ...roots]);
  return JSON.parse(stdout);
}

export async function plant(root: string, tree: Tree): Promise<void> {
  for (const [path, text] of Object.entries(tree)) {
    await mkdir(join(root, dirname(path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'planted-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
