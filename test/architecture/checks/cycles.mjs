import { posix } from 'node:path';
import ts from 'typescript';
import { projectRoot, sources } from '../sources.mjs';

export const name = 'cycles between features and between mechanisms';

const feature = /^src\/features\/([^/]+)\//;
const mechanism = /^src\/shared\/([^/]+)\//;

/** Features may not form a cycle over their `.api` imports, nor folders of shared over any. */
export async function run(root = projectRoot) {
  const features = new Map();
  const mechanisms = new Map();
  for (const source of sources(root, ['src'])) {
    for (const target of localImports(source)) {
      if (/\.api$/.test(target)) connect(features, feature, source.path, target);
      connect(mechanisms, mechanism, source.path, target);
    }
  }
  return [...cyclesIn(features, 'features'), ...cyclesIn(mechanisms, 'shared')];
}

function localImports({ path, text }) {
  return ts
    .preProcessFile(text)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => posix.join(posix.dirname(path), fileName).replace(/\.[jt]s$/, ''));
}

function connect(graph, pattern, path, target) {
  const from = pattern.exec(path)?.[1];
  const to = pattern.exec(target)?.[1];
  if (from === undefined || to === undefined || from === to) return;
  graph.set(from, (graph.get(from) ?? new Map()).set(to, graph.get(from)?.get(to) ?? path));
}

/** One problem per cycle, told once however many members could tell it. */
function cyclesIn(graph, kind) {
  const told = new Map();
  const follow = (trail) => {
    for (const [next, file] of graph.get(trail.at(-1).name) ?? []) {
      const start = trail.findIndex((step) => step.name === next);
      if (start < 0) follow([...trail, { name: next, file }]);
      else tell(told, kind, trail.slice(start), file);
    }
  };
  for (const from of [...graph.keys()].sort()) follow([{ name: from, file: '' }]);
  return [...told.values()];
}

function tell(told, kind, members, closing) {
  const key = members
    .map((step) => step.name)
    .sort()
    .join();
  if (told.has(key)) return;
  const files = [...members.slice(1).map((step) => step.file), closing];
  told.set(key, `${kind}: ${[...members, members[0]].map((step) => step.name).join(' -> ')} (${files.join(', ')})`);
}
