import { isSafe } from 'redos-detector';
import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'no work that grows faster than its input';

// Where text is composed, and what bounds it there.
const composes = {
  'src/shared/text/': 'each schema counts characters first',
  'src/features/auth/auth.dto.ts': 'the schema counts characters first',
};

// Regular expressions that take more than linear time, and what bounds the text that they meet.
const superlinear = {
  'src/features/auth/auth.passwords.ts': 'base64 of a hash of ours',
  'src/shared/config/': 'a variable of the operator, at start',
  'src/shared/db/': 'a variable of the operator, at start',
  'src/shared/redis/': 'a variable of the operator, at start',
  'src/shared/lock/': 'a variable of the operator, at start',
  'src/shared/lifecycle/start.error.ts': 'the message of an error of listen, at start',
  'src/shared/logging/redaction.ts': 'scrub cuts what it is given at 16 KiB',
  'src/shared/http/json.ts': 'a document that JSON.parse has taken: every match is a whole token',
  'src/shared/connections/peers.ts': 'an address of the operating system',
  'src/shared/text/email.ts': '254 characters, counted first',
};

/**
 * What a caller can make long must cost no more than it is long: text is composed (`normalize`) only where it was counted,
 * no list is copied for each of its items, no regular expression backtracks over what has no bound.
 */
export async function run(root = projectRoot) {
  return sources(root, ['src'])
    .filter(({ path }) => !path.startsWith('src/client/'))
    .flatMap((source) => {
      const problems = [];
      const tell = (node, text) => problems.push(`${at(source, node)}: ${text}: ${summary(node)}`);
      walk(source.ast, (node) => {
        if (isCallOf(node, 'normalize') && !listed(composes, source.path))
          tell(node, 'composes text that nobody counted');
        if (accumulates(node)) tell(node, 'copies what it has for each item that it adds');
        if (ts.isRegularExpressionLiteral(node) && !listed(superlinear, source.path) && !isLinear(node.text))
          tell(node, 'takes more than linear time');
      });
      return problems;
    });
}

function listed(table, path) {
  return Object.keys(table).some((prefix) => path.startsWith(prefix));
}

function isLinear(literal) {
  const [, pattern, flags] = /^\/(.*)\/([a-z]*)$/s.exec(literal);
  // Neither flag changes how a pattern backtracks.
  return isSafe(new RegExp(pattern, flags.replace(/[gy]/g, '')), { timeout: 10_000 }).safe;
}

function isCallOf(node, method) {
  return (
    ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === method
  );
}

/** `a = [...a, b]`, `a = [a, b].flat()` and `a = a.concat(b)` in a loop, and the same as the answer of a reducer. */
function accumulates(node) {
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken)
    return isInLoop(node) && copies(node.right, node.left.getText());
  if (!isCallOf(node, 'reduce')) return false;
  const [reducer] = node.arguments;
  if (!reducer || !ts.isArrowFunction(reducer)) return false;
  const body = ts.isParenthesizedExpression(reducer.body) ? reducer.body.expression : reducer.body;
  return copies(body, reducer.parameters[0]?.name.getText());
}

function copies(expression, name) {
  if (isCallOf(expression, 'flat') || isCallOf(expression, 'concat')) return mentions(expression, name);
  if (ts.isArrayLiteralExpression(expression))
    return expression.elements.some((each) => ts.isSpreadElement(each) && each.expression.getText() === name);
  return (
    ts.isObjectLiteralExpression(expression) &&
    expression.properties.some((each) => ts.isSpreadAssignment(each) && each.expression.getText() === name)
  );
}

function mentions(expression, name) {
  let found = false;
  walk(expression, (node) => {
    if (node.getText() === name) found = true;
  });
  // `[before, value].flat()`: the list itself was read into another name.
  return found || (isCallOf(expression, 'flat') && ts.isArrayLiteralExpression(expression.expression.expression));
}

function isInLoop(node) {
  for (let up = node.parent; up && !ts.isFunctionLike(up); up = up.parent)
    if (ts.isIterationStatement(up, false)) return true;
  return false;
}

function summary(node) {
  const text = node.getText().replace(/\s+/g, ' ');
  return text.length > 70 ? `${text.slice(0, 70)}...` : text;
}
