import { createInterface } from 'node:readline/promises';
import { validationFailed } from '../shared/errors/common.errors';

interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream;
}

/**
 * Asks whoever is at the terminal before something is done that cannot be undone. False when they do not say yes.
 * @throws AppError where nobody can be asked and --yes was not said
 */
export async function confirmed(
  question: string,
  { yes }: { readonly yes?: true },
  { input, output }: Terminal = { input: process.stdin, output: process.stderr },
): Promise<boolean> {
  if (yes) return true;
  if (input.isTTY !== true)
    throw validationFailed([{ field: '--yes', message: `is needed where nobody can be asked. ${question}` }]);
  output.write(`${question} [y/N] `);
  const lines = createInterface({ input });
  try {
    for await (const line of lines) return /^y(es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
  }
}
