import { text } from 'node:stream/consumers';
import { createConfig, lintFromString } from '@redocly/openapi-core';

// Reads an OpenAPI document and writes what redocly says of it, as JSON. A process of its own: the linter is an ES module,
// which Jest cannot load. All recommended rules, none of them off.
const source = await text(process.stdin);
const { paths } = JSON.parse(source);
const config = await createConfig({ extends: ['recommended'] });
const problems = await lintFromString({ source, config });
const told = problems.filter((problem) => problem.ruleId !== 'no-ambiguous-paths' || !isToldApart(problem.message));
process.stdout.write(JSON.stringify(told.map(({ ruleId, message }) => `${ruleId}: ${message}`)));

/** The linter compares two paths by their words alone; a parameter whose pattern no word of the other path fits tells them apart. */
function isToldApart(message) {
  const [one, other] = [...message.matchAll(/`([^`]+)`/g)].map(([, path]) => path);
  const excludes = (path, word, name) => {
    const parameters = Object.values(paths[path] ?? {}).flatMap((operation) => operation.parameters ?? []);
    const pattern = parameters.find((each) => each.in === 'path' && each.name === name)?.schema?.pattern;
    return pattern !== undefined && !new RegExp(pattern).test(word);
  };
  const [words, others] = [one.split('/'), other.split('/')];
  return words.some((word, i) => {
    const [, name] = /^{(.+)}$/.exec(word) ?? [];
    const [, otherName] = /^{(.+)}$/.exec(others[i]) ?? [];
    if (name !== undefined && otherName === undefined) return excludes(one, others[i], name);
    return name === undefined && otherName !== undefined && excludes(other, word, otherName);
  });
}
