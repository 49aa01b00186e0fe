import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'queries only in repositories, migrations and shared/db';

const allowed = /(\.(repository|migrations)\.ts$|^src\/shared\/db\/)/;
const calls = new Set(['query', 'createQueryBuilder', 'createQueryRunner', 'getRepository', 'getTreeRepository']);
const statements = [
  /^\s*select\b.*\bfrom\b/is,
  /^\s*select\s+(1|count|max|min|exists|now)\b/i,
  /^\s*(insert|replace)\s+(or\s+\w+\s+|ignore\s+)?into\b/i,
  /^\s*update\s+\S+\s+set\b/i,
  /^\s*delete\s+from\b/i,
  /^\s*with\s+(recursive\s+)?\w+(\s*\([^)]*\))?\s+as\s*\(/i,
  /^\s*(create|alter|drop|truncate)\s+(unique\s+|temporary\s+)?(table|index|view)\b/i,
  /^\s*(begin\s+(immediate|transaction)|start\s+transaction|pragma\s+\w+)/i,
];

/** SQL is known by its text, so `batch.run(...)` or a map's `rows` are left alone; query builders are known by name. */
export async function run(root = projectRoot) {
  return sources(root, ['src'])
    .filter(({ path }) => !allowed.test(path))
    .flatMap((source) => {
      const problems = [];
      walk(source.ast, (node) => {
        const what = queryIn(node, source);
        if (what) problems.push(`${at(source, node)}: ${what} belongs into a repository`);
      });
      return problems;
    });
}

function queryIn(node, source) {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const called = node.expression.name.text;
    return calls.has(called) ? `.${called}(...)` : undefined;
  }
  const text = literal(node, source);
  return text !== undefined && statements.some((pattern) => pattern.test(text)) ? 'SQL' : undefined;
}

/** What stands between the quotes; a template with its placeholders as they are written. */
function literal(node, source) {
  if (ts.isStringLiteralLike(node)) return ts.isImportDeclaration(node.parent) ? undefined : node.text;
  return ts.isTemplateExpression(node) ? node.getText(source.ast).slice(1, -1) : undefined;
}
