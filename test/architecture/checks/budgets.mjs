import ts from 'typescript';
import { at, lineOf, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'budgets (lines, functions, constructors, controllers)';

const fileLines = 300;
const mainLines = 20;
const functionLines = 50;
const constructorThings = 7;

export async function run(root = projectRoot) {
  return sources(root).flatMap((source) => {
    const problems = [...fileProblems(source)];
    walk(source.ast, (node) => {
      problems.push(...functionProblems(source, node));
      if (source.path.startsWith('src/')) problems.push(...constructorProblems(source, node));
      if (source.path.endsWith('.controller.ts')) problems.push(...controllerProblems(source, node));
    });
    return problems;
  });
}

function fileProblems({ path, text }) {
  const lines = text.replace(/\n$/, '').split('\n').length;
  const limit = path === 'src/main.ts' ? mainLines : fileLines;
  return lines > limit ? [`${path}: ${lines} lines, the limit is ${limit}`] : [];
}

function functionProblems(source, node) {
  if (!ts.isFunctionLike(node) || !node.body || isDescribeCallback(node)) return [];
  // From the name, not from the decorators and modifiers before it.
  const first = lineOf(source, (node.name ?? node.parameters[0] ?? node.body).getStart(source.ast));
  const lines = lineOf(source, node.body.getEnd()) - first + 1;
  const called = node.name?.getText(source.ast) ?? (ts.isConstructorDeclaration(node) ? 'constructor' : 'function');
  return lines > functionLines ? [`${at(source, node)} ${called}: ${lines} lines, the limit is ${functionLines}`] : [];
}

/** `describe(...)`, `describe.each(...)(...)`: a heading, not a function. */
function isDescribeCallback(node) {
  if (!ts.isCallExpression(node.parent) || !node.parent.arguments.includes(node)) return false;
  let callee = node.parent.expression;
  while (!ts.isIdentifier(callee)) {
    if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag;
    else if (callee.expression) callee = callee.expression;
    else return false;
  }
  return callee.text === 'describe';
}

function constructorProblems(source, node) {
  if (!ts.isConstructorDeclaration(node) || node.parameters.length <= constructorThings) return [];
  return [`${at(source, node)} constructor: ${node.parameters.length} things, the limit is ${constructorThings}`];
}

function controllerProblems(source, node) {
  if (!ts.isMethodDeclaration(node) || !ts.getDecorators(node)?.length || node.body?.statements.length === 1) return [];
  return [`${at(source, node)} ${node.name.getText(source.ast)}: a controller method is one statement`];
}
