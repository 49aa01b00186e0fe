import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'process.env only in shared/config and main';

export async function run(root = projectRoot) {
  return sources(root, ['src'])
    .filter(({ path }) => path !== 'src/main.ts' && !path.startsWith('src/shared/config/'))
    .flatMap((source) => {
      const problems = [];
      walk(source.ast, (node) => {
        if (readsEnvironment(node)) problems.push(`${at(source, node)}: the environment is read in shared/config`);
      });
      return problems;
    });
}

/** `process.env`, `process['env']`, `{ env } = process`, `import { env } from 'node:process'`. */
function readsEnvironment(node) {
  if (ts.isPropertyAccessExpression(node)) return node.name.text === 'env' && isProcess(node.expression);
  if (ts.isElementAccessExpression(node)) return node.argumentExpression.text === 'env' && isProcess(node.expression);
  if (ts.isBindingElement(node)) {
    const declaration = node.parent.parent;
    const key = node.propertyName ?? node.name;
    return key.text === 'env' && ts.isVariableDeclaration(declaration) && isProcess(declaration.initializer);
  }
  if (!ts.isImportSpecifier(node)) return false;
  const from = node.parent.parent.parent.moduleSpecifier.text;
  return (node.propertyName ?? node.name).text === 'env' && /^(node:)?process$/.test(from);
}

function isProcess(node) {
  if (node && ts.isPropertyAccessExpression(node)) return node.name.text === 'process';
  return node !== undefined && ts.isIdentifier(node) && node.text === 'process';
}
