import { join } from 'node:path';
import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'no floating promises, no promise that outlives its block';

/** A promise nobody awaits loses its error, or ends the process with it: `await`, `return`, `.catch(...)` or `void` it. */
export async function run(root = projectRoot) {
  const config = ts.readConfigFile(join(projectRoot, 'tsconfig.json'), ts.sys.readFile).config;
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [], include: [] }, ts.sys, projectRoot);
  const paths = sources(root)
    .map(({ path }) => path)
    .filter((path) => path.endsWith('.ts'));
  const program = ts.createProgram(
    paths.map((path) => join(root, path)),
    { ...options, noEmit: true },
  );
  const checker = program.getTypeChecker();
  return paths.flatMap((path) => {
    const source = { path, ast: program.getSourceFile(join(root, path)) };
    const problems = [];
    walk(source.ast, (node) => {
      if (ts.isExpressionStatement(node) && floats(checker, node.expression)) {
        problems.push(`${at(source, node)}: nobody waits for ${summary(node)}`);
      } else if (ts.isReturnStatement(node) && outlives(checker, node)) {
        problems.push(`${at(source, node)}: the block is left before this is done; return await: ${summary(node)}`);
      }
    });
    return problems;
  });
}

function floats(checker, expression) {
  if (ts.isAwaitExpression(expression) || ts.isVoidExpression(expression) || ts.isBinaryExpression(expression))
    return false;
  if (isHandled(expression)) return false;
  return isPromised(checker, expression);
}

/** `return promise` below `using` or in `try`: the resource is closed, and `catch` passed by, before it settles. */
function outlives(checker, statement) {
  if (!statement.expression || !isPromised(checker, statement.expression)) return false;
  for (let node = statement; !ts.isFunctionLike(node) && !ts.isSourceFile(node); node = node.parent) {
    if (ts.isTryStatement(node.parent) && node.parent.tryBlock === node) return true;
    if (ts.isBlock(node) && node.statements.some(isUsing)) return true;
  }
  return false;
}

function isUsing(statement) {
  return ts.isVariableStatement(statement) && (statement.declarationList.flags & ts.NodeFlags.Using) !== 0;
}

function isPromised(checker, expression) {
  const type = checker.getTypeAtLocation(expression);
  return (type.isUnion() ? type.types : [type]).some((part) => isPromise(checker, part));
}

function isPromise(checker, type) {
  if (type.flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return false;
  return (
    checker.getPropertyOfType(type, 'then') !== undefined && checker.getPropertyOfType(type, 'catch') !== undefined
  );
}

/** `.catch(handler)` and `.then(done, handler)`. */
function isHandled(expression) {
  if (!ts.isCallExpression(expression) || !ts.isPropertyAccessExpression(expression.expression)) return false;
  const called = expression.expression.name.text;
  if (called === 'finally') return isHandled(expression.expression.expression);
  return (
    (called === 'catch' && expression.arguments.length > 0) || (called === 'then' && expression.arguments.length > 1)
  );
}

function summary(node) {
  const text = node.getText().replace(/\s+/g, ' ');
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
