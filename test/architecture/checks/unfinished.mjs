import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { at, filesBelow, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'nothing unfinished or switched off';

// Spelled so that this file does not find itself.
const marks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
const off = new Set(['skip', 'only', 'todo', 'failing']);
const suites = new Set(['describe', 'it', 'test']);
const shorthands = new Set(['xit', 'xtest', 'xdescribe', 'fit', 'fdescribe']);

export async function run(root = projectRoot) {
  return [...markedLines(root), ...sources(root).flatMap(switchedOff)];
}

function markedLines(root) {
  const paths = ['src', 'test', 'proto', 'docker', '.ci', '.github'].flatMap((folder) => filesBelow(root, folder));
  const own = filesBelow(root, '').filter((path) => !path.includes('/') && path !== 'package-lock.json');
  return [...new Set([...paths, ...own])]
    .filter((path) => /\.([cm]?[jt]sx?|json|ya?ml|md|proto|sh|html)$|(^|\/)(Dockerfile|run)$/.test(path))
    .filter((path) => !/^(src\/generated|proto\/google|proto\/grpc)\//.test(path))
    .flatMap((path) => {
      const lines = readFileSync(join(root, path), 'utf8').split('\n');
      return lines.flatMap((line, index) => (marks.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []));
    });
}

function switchedOff(source) {
  const problems = [];
  walk(source.ast, (node) => {
    const found = isOff(node);
    if (found) problems.push(`${at(source, node)}: ${node.getText(source.ast)}`);
  });
  return problems;
}

function isOff(node) {
  if (ts.isPropertyAccessExpression(node)) {
    return off.has(node.name.text) && ts.isIdentifier(node.expression) && suites.has(node.expression.text);
  }
  return (
    ts.isIdentifier(node) &&
    shorthands.has(node.text) &&
    ts.isCallExpression(node.parent) &&
    node.parent.expression === node
  );
}
