import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'no test asserts that something was quick';

const upperBounds = new Set(['toBeLessThan', 'toBeLessThanOrEqual']);
const comparisons = new Set([ts.SyntaxKind.LessThanToken, ts.SyntaxKind.LessThanEqualsToken]);
const leastPatienceMs = 10_000;

/**
 * On a busy machine everything is slow. A test bounds order, counts and outcomes, waits for a condition, or moves a clock
 * by hand; no `expect` puts an upper bound on a measured time, and `eventually` is given no short limit.
 */
export async function run(root = projectRoot) {
  const tests = sources(root, ['test']).filter(({ path }) => path.endsWith('.ts'));
  const properties = new Set(tests.flatMap(({ ast }) => measuredProperties(ast)));
  return tests.flatMap((source) => {
    const measured = measuredNames(source.ast, properties);
    const problems = [];
    walk(source.ast, (node) => {
      if (isUpperBound(node, measured)) problems.push(`${at(source, node)}: a bound on time: ${summary(node)}`);
      if (isImpatient(node)) problems.push(`${at(source, node)}: eventually(...) waits for less than 10 s`);
    });
    return problems;
  });
}

/** `performance.now() - began` and `Date.now() - began`; not `expiresAt - Date.now()`, which is what is left. */
function isElapsed(node) {
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.MinusToken) return false;
  return /^(performance|Date)\.now\(\)$/.test(node.left.getText());
}

function contains(node, matches) {
  let found = false;
  walk(node, (each) => {
    found ||= matches(each);
  });
  return found;
}

/** Names of properties that hold a measured time: `{ ms: performance.now() - began }`. */
function measuredProperties(ast) {
  const names = [];
  walk(ast, (node) => {
    if (ts.isPropertyAssignment(node) && isElapsed(node.initializer)) names.push(node.name.getText());
  });
  return names;
}

/** Names of this file that stand for a measured time, or for what is made of one. */
function measuredNames(ast, properties) {
  const names = new Set(properties);
  const isMeasured = (node) => isElapsed(node) || (ts.isIdentifier(node) && names.has(node.text));
  for (let size = -1; size < names.size; ) {
    size = names.size;
    walk(ast, (node) => {
      const [target, value] = assigned(node);
      if (target && contains(value, isMeasured)) names.add(target);
    });
  }
  return isMeasured;
}

/** Who gets which value: a variable, what a list is pushed, what a function returns. */
function assigned(node) {
  if (ts.isVariableDeclaration(node) && node.initializer && ts.isIdentifier(node.name) && !holdsFunction(node))
    return [node.name.text, node.initializer];
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken)
    return [node.left.getText(), node.right];
  if (ts.isCallExpression(node) && /^\w+\.push$/.test(node.expression.getText()) && node.arguments.length > 0)
    return [node.expression.expression.getText(), node.arguments[0]];
  if (ts.isReturnStatement(node) && node.expression && !ts.isObjectLiteralExpression(node.expression))
    return [functionAround(node), node.expression];
  return [];
}

function holdsFunction({ initializer }) {
  return ts.isArrowFunction(initializer) || ts.isFunctionExpression(initializer);
}

function functionAround(node) {
  for (let up = node.parent; up; up = up.parent)
    if (ts.isFunctionLike(up))
      return (up.name ?? (ts.isVariableDeclaration(up.parent) ? up.parent.name : undefined))?.getText();
  return undefined;
}

/** `expect(<measured>).toBeLessThan(...)`, and `expect(<measured> < ...)`. */
function isUpperBound(node, isMeasured) {
  if (!ts.isCallExpression(node)) return false;
  const { expression, arguments: given } = node;
  if (expression.getText() === 'expect')
    return given.some((each) => contains(each, (part) => isComparison(part) && contains(part.left, isMeasured)));
  if (!ts.isPropertyAccessExpression(expression) || !upperBounds.has(expression.name.text)) return false;
  const [actual] = ts.isCallExpression(expression.expression) ? expression.expression.arguments : [];
  return actual !== undefined && contains(actual, isMeasured);
}

function isComparison(node) {
  return ts.isBinaryExpression(node) && comparisons.has(node.operatorToken.kind);
}

function isImpatient(node) {
  if (!ts.isCallExpression(node) || node.expression.getText() !== 'eventually') return false;
  const limit = node.arguments[1];
  return limit !== undefined && ts.isNumericLiteral(limit) && Number(limit.text) < leastPatienceMs;
}

function summary(node) {
  const text = node.getText().replace(/\s+/g, ' ');
  return text.length > 70 ? `${text.slice(0, 70)}...` : text;
}
