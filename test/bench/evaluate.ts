import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * What `work` answers about a module of the bench, which Jest cannot load, as JSON carries it. It is run by Node itself, as
 * its text: it knows nothing around it.
 */
export function evaluate<Module, Answer>(file: string, work: (module: Module) => Answer | Promise<Answer>): Answer {
  const url = pathToFileURL(join(__dirname, file)).href;
  const code = `import * as module from ${JSON.stringify(url)};
    process.stdout.write(JSON.stringify({ answer: await (${work})(module) }), () => process.exit());`;
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  return (JSON.parse(said) as { answer: Answer }).answer;
}
