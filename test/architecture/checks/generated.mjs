import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descriptors, generate } from '../generate.mjs';
import { filesBelow, projectRoot } from '../sources.mjs';

export const name = 'src/generated and the descriptors are what proto/ generates';

export async function run(root = projectRoot) {
  const fresh = mkdtempSync(join(tmpdir(), 'generated-'));
  try {
    mkdirSync(join(fresh, 'proto'));
    generate(root, join(fresh, 'proto'));
    const types = [fresh, root].flatMap((from) => filesBelow(from, 'src/generated'));
    const paths = new Set([`proto/${descriptors}`, ...types]);
    return [...paths].sort().flatMap((path) => difference(join(root, path), join(fresh, path), path));
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function difference(committed, expected, path) {
  if (!existsSync(committed)) return [`${path}: missing; run npm run generate`];
  if (!existsSync(expected)) return [`${path}: no contract makes it; run npm run generate`];
  return readFileSync(committed).equals(readFileSync(expected)) ? [] : [`${path}: differs; run npm run generate`];
}
