import { type Command, InvalidArgumentError } from 'commander';
import { explain } from './explain';
import { type Session, type Settings, session } from './session';

export function url(text: string): string {
  const known = /^(https?|grpcs?):\/\/[^/]/.test(text) && URL.canParse(text);
  if (!known) throw new InvalidArgumentError('It must be http://host:port or grpc://host:port.');
  return text;
}

/** An option's whole number. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^(0|[1-9][0-9]{0,14})$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

/** Runs one command; what it returns is the exit code. */
export async function work(self: Command, run: (open: Session) => Promise<number>): Promise<void> {
  const settings = self.optsWithGlobals<Settings>();
  try {
    await using open = session(settings);
    process.exitCode = await run(open);
  } catch (error) {
    process.stderr.write(`${explain(error, settings.url)}\n`);
    process.exitCode = 1;
  }
}
