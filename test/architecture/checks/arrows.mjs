import { createRequire } from 'node:module';
import { cruise } from 'dependency-cruiser';
import { projectRoot } from '../sources.mjs';

export const name = 'arrows (dependency-cruiser.cjs)';

/** Every import that section "Arrows" of the README forbids: `<rule>: <from> -> <to>`. */
export async function run(root = projectRoot) {
  const { options, ...rules } = createRequire(import.meta.url)('../dependency-cruiser.cjs');
  const { output } = await cruise(['src'], { ...options, ruleSet: rules, validate: true, baseDir: root });
  return output.summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`).sort();
}
