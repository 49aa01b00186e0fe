import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'no callback of a timer or an event may throw';

const timers = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'nextTick']);
const listeners = new Set(['on', 'once', 'addListener', 'prependListener', 'prependOnceListener', 'addEventListener']);
// What settles a promise does not throw.
const settles = new Set(['resolve', 'reject']);

/**
 * An exception in such a callback ends the process. In src the callback is `guarded(...)`, is a try of its own, or does
 * nothing but settle a promise; and no promise is `void`ed, whose rejection would end it likewise. The command line is a
 * process of its own, and the scripts of a page run in a browser.
 */
export async function run(root = projectRoot) {
  return sources(root, ['src'])
    .filter(({ path }) => !path.startsWith('src/client/') && path !== 'src/main.ts' && path.endsWith('.ts'))
    .flatMap(problemsOf);
}

function problemsOf(source) {
  const guards = guardedNames(source);
  const problems = [];
  walk(source.ast, (node) => {
    if (ts.isVoidExpression(node) && !isReply(node.expression) && !isCaught(node.expression))
      problems.push(`${at(source, node)}: detach(...) it, since a rejection ends the process: ${summary(node)}`);
    if (!ts.isCallExpression(node)) return;
    const callback = callbackOf(node);
    if (callback && !isSafe(callback, guards))
      problems.push(`${at(source, node)}: guarded(...) is missing: ${summary(node)}`);
  });
  return problems;
}

/** The function that a timer or an emitter is given; undefined for any other call. */
function callbackOf({ expression, arguments: given }) {
  const called = ts.isPropertyAccessExpression(expression) ? expression.name.text : expression.text;
  if (timers.has(called)) return given[0];
  if (!listeners.has(called) || !ts.isPropertyAccessExpression(expression)) return undefined;
  const event = given[0];
  const named = event && (ts.isStringLiteralLike(event) || event.getText() === 'event');
  return named && given.length >= 2 && given.length <= 3 ? given[1] : undefined;
}

function isSafe(node, guards) {
  if (ts.isCallExpression(node)) return node.expression.getText() === 'guarded';
  if (ts.isIdentifier(node)) return settles.has(node.text) || guards.has(node.text);
  if (ts.isPropertyAccessExpression(node)) return guards.has(node.name.text);
  if (ts.isArrowFunction(node) && ts.isBlock(node.body) && node.body.statements.length === 1)
    return ts.isTryStatement(node.body.statements[0]) && node.body.statements[0].catchClause !== undefined;
  return (
    ts.isArrowFunction(node) &&
    ts.isCallExpression(node.body) &&
    ts.isIdentifier(node.body.expression) &&
    (settles.has(node.body.expression.text) || guards.has(node.body.expression.text))
  );
}

/** The names of this file that were made by `guarded(...)`. */
function guardedNames(source) {
  const names = new Set();
  walk(source.ast, (node) => {
    const declares = ts.isVariableDeclaration(node) || ts.isPropertyDeclaration(node);
    if (declares && node.initializer && ts.isCallExpression(node.initializer))
      if (node.initializer.expression.getText() === 'guarded') names.add(node.name.getText());
  });
  return names;
}

/** Fastify's reply is no promise, though it can be awaited. */
function isReply(node) {
  return /^reply\b/.test(node.getText());
}

function isCaught(node) {
  return (
    ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression) && node.expression.name.text === 'catch'
  );
}

function summary(node) {
  const text = node.getText().replace(/\s+/g, ' ');
  return text.length > 70 ? `${text.slice(0, 70)}...` : text;
}
