// node inspect.mjs <check> [root...]: runs one of checks/ on each root and prints the problems as JSON, one list per root.
import { projectRoot } from './sources.mjs';

const [name, ...roots] = process.argv.slice(2);
const check = await import(`./checks/${name}.mjs`);
const found = [];
for (const root of roots.length > 0 ? roots : [projectRoot]) found.push(await check.run(root));
process.stdout.write(JSON.stringify(found));
