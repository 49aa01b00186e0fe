import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'features are named by themselves alone, and a class by one file';

/**
 * What all features stand on knows none of them: their names stand in features/ (and in the client library, which calls
 * them). And whoever searches for a class finds one.
 */
export async function run(root = projectRoot) {
  const src = sources(root, ['src']).filter(({ path }) => !path.startsWith('src/generated/'));
  const patterns = featuresOf(root).map((feature) => patternOf(feature, root));
  const house = src.filter(({ path }) => /^src\/(shared\/|app|main)/.test(path));
  return [...house.flatMap((source) => namedIn(source, patterns)), ...twice(src)];
}

function featuresOf(root) {
  return foldersOf(join(root, 'src/features'));
}

function foldersOf(path) {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    return [];
  }
}

// What programs are made of has these names as well: a queue of callers is not the waiting room, and every program has a console.
const ordinary = ['queue', 'console'];

/** `events-gateway` in all its spellings. Where a mechanism has the same name, identifiers are the mechanism's. */
function patternOf(feature, root) {
  const words = feature.split('-');
  const pascal = words.map((word) => word[0].toUpperCase() + word.slice(1)).join('');
  const camel = pascal[0].toLowerCase() + pascal.slice(1);
  const isMechanism = ordinary.includes(feature) || foldersOf(join(root, 'src/shared')).includes(feature);
  return {
    feature,
    text: isMechanism
      ? new RegExp(`^${feature}$|\\b${feature.toUpperCase()}_DATABASE`)
      : new RegExp(`(^|[^a-z0-9-])(${words.join('[-_]')})($|[^a-z0-9-])|\\b${words.join('_').toUpperCase()}_`),
    identifier: isMechanism ? /^$/ : new RegExp(`^(${camel}|${pascal})([A-Z]|$)`),
  };
}

function namedIn(source, patterns) {
  const problems = [];
  walk(source.ast, (node) => {
    if (ts.isImportDeclaration(node.parent ?? node)) return;
    for (const { feature, text, identifier } of patterns) {
      const spelled =
        ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node);
      if ((spelled && text.test(node.text)) || (ts.isIdentifier(node) && identifier.test(node.text)))
        problems.push(`${at(source, node)}: names the feature ${feature}: ${node.text.slice(0, 40)}`);
    }
  });
  return problems;
}

function twice(src) {
  const first = new Map();
  const problems = [];
  for (const source of src) {
    walk(source.ast, (node) => {
      if (!ts.isClassDeclaration(node) || !node.name || !node.modifiers?.some(isExport)) return;
      const called = node.name.text;
      if (first.has(called)) problems.push(`${at(source, node)}: ${called} is a class of ${first.get(called)}, too`);
      else first.set(called, source.path);
    });
  }
  return problems;
}

function isExport({ kind }) {
  return kind === ts.SyntaxKind.ExportKeyword;
}
