import ts from 'typescript';
import { at, projectRoot, sources, walk } from '../sources.mjs';

export const name = 'features throw AppError, never an exception of a wire';

const packages = /^@nestjs\/(common|microservices|websockets)$/;

export async function run(root = projectRoot) {
  return sources(root, ['src/features']).flatMap((source) => {
    const problems = [];
    walk(source.ast, (node) => {
      if (!ts.isImportSpecifier(node) || !/Exception$/.test((node.propertyName ?? node.name).text)) return;
      if (packages.test(node.parent.parent.parent.moduleSpecifier.text)) {
        problems.push(
          `${at(source, node)}: ${node.getText(source.ast)} speaks of a wire; return an AppError from <feature>.errors.ts`,
        );
      }
    });
    return problems;
  });
}
