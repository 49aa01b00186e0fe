import { ConfigError } from '../config/config.errors';
import { packageVersion, type RawEnvironment } from '../config/load-config';
import { askHealth } from './health-command';

/** What a process is told to do; `text` is what Aerie does not know. */
export type Command =
  | HeavyCommand
  | { readonly name: 'health' | 'version' | 'help' }
  | { readonly name: 'unknown'; readonly text: string }
  | { readonly name: 'misused'; readonly command: 'backup' | 'restore' };

/** What needs the whole application. */
export type HeavyCommand =
  | { readonly name: 'serve' }
  | { readonly name: 'doctor' }
  | { readonly name: 'backup' | 'restore'; readonly folder: string }
  | { readonly name: 'migrate'; readonly dryRun: boolean };

/** What the application does; its exit code is its own affair. */
interface LoadedApp {
  run(command: HeavyCommand, environment: RawEnvironment): Promise<void>;
}

// Of sysexits.h.
const badUsage = 64;
const badConfiguration = 78;

const help = `Usage: node dist/main.js [command]

  (none)             serve until told to stop; SIGTERM and SIGINT drain first
  migrate            bring the databases up to date and end
  migrate --dry-run  print what migrate would do
  health             ask the process that serves with the same settings whether it is ready: exit code 0 or 1
  doctor             look at the settings and at everything they name: exit code 1 if Aerie does not work so
  backup <folder>    copy the SQLite files into an empty folder, also while a process serves
  restore <folder>   put such copies in the place of the SQLite files; stop the process first
  -v, -V, --version  print the version
  -h, --help         print this

Settings are environment variables: see .env.example.`;

const plain: Readonly<Record<string, Command>> = {
  '': { name: 'serve' },
  migrate: { name: 'migrate', dryRun: false },
  'migrate --dry-run': { name: 'migrate', dryRun: true },
  health: { name: 'health' },
  doctor: { name: 'doctor' },
  '--version': { name: 'version' },
  '-v': { name: 'version' },
  '-V': { name: 'version' },
  '--help': { name: 'help' },
  '-h': { name: 'help' },
};

export function commandOf(args: readonly string[]): Command {
  const text = args.join(' ');
  const [name, folder = ''] = args;
  if (name === 'backup' || name === 'restore')
    return args.length === 2 && folder !== '' ? { name, folder } : { name: 'misused', command: name };
  const known = Object.hasOwn(plain, text) ? plain[text] : undefined;
  return known ?? { name: 'unknown', text };
}

/** Does it. What needs the application has it loaded; the rest answers at once, and ends the process with its code. */
export async function obey(
  command: Command,
  environment: RawEnvironment,
  { loadApp }: { readonly loadApp: () => Promise<LoadedApp> },
): Promise<void> {
  switch (command.name) {
    case 'help':
      return say(help);
    case 'version':
      return say(`aerie ${packageVersion()}`);
    case 'health':
      return health(environment);
    case 'unknown':
      process.stderr.write(
        `Aerie does not know ${command.text}; without an argument it serves, and migrate brings the databases up to date. --help has all.\n`,
      );
      process.exit(badUsage);
      break;
    case 'misused':
      process.stderr.write(`Name one folder: node dist/main.js ${command.command} <folder>. --help has all.\n`);
      process.exit(badUsage);
      break;
    default:
      return (await loadApp()).run(command, environment);
  }
}

async function health(environment: RawEnvironment): Promise<void> {
  try {
    const { isReady, text } = await askHealth(environment);
    say(text);
    process.exitCode = isReady ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = badConfiguration;
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
