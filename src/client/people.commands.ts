import type { Command } from 'commander';
import { whole, work } from './command-line';
import {
  createUser,
  deleteUser,
  getUser,
  listUsers,
  login,
  logout,
  type PersonOptions,
  register,
  updateUser,
  whoami,
} from './people';

const age = whole(0, 150);
const password = 'the password, or @file to read it from; unset: it is asked for, or read from standard input';

/** `aerie users ...`, and what has to do with tokens. */
export function addPeople(aerie: Command): void {
  const users = aerie.command('users').description('who plays: create, get, list, update, delete');
  users
    .command('create')
    .description('create a user')
    .requiredOption('--name <name>', '1 to 64 characters')
    .requiredOption('--email <address>', 'unique in every spelling of it')
    .option('--age <years>', '0 to 150', age)
    .action((options: PersonOptions, self: Command) => work(self, (open) => createUser(open, options)));
  users
    .command('get <id>')
    .description('a user')
    .action((id: string, _options: object, self: Command) => work(self, (open) => getUser(open, id)));
  users
    .command('list')
    .description('all users, oldest first')
    .option('--limit <n>', 'how many, 1 to 100', whole(1, 100), 20)
    .option('--after <token>', 'go on where the last page ended')
    .option('--email <address>', 'only who has this address')
    .action((options: { limit: number; after?: string; email?: string }, self: Command) =>
      work(self, (open) => listUsers(open, options)),
    );
  users
    .command('update <id>')
    .description('change some fields of a user')
    .option('--name <name>', '1 to 64 characters')
    .option('--email <address>', 'unique in every spelling of it')
    .option('--age <years>', '0 to 150', age)
    .option('--clear-age', 'be without an age from now on')
    .option('--expected-version <n>', 'only while this is the version', whole(1, Number.MAX_SAFE_INTEGER))
    .action((id: string, options: PersonOptions, self: Command) => work(self, (open) => updateUser(open, id, options)));
  users
    .command('delete <id>')
    .description('delete a user')
    .action((id: string, _options: object, self: Command) => work(self, (open) => deleteUser(open, id)));
  addTokens(aerie);
}

function addTokens(aerie: Command): void {
  aerie
    .command('register <name> <email>')
    .description('make an account, and print its token')
    .option('--password <password>', password)
    .action((name: string, email: string, options: { password?: string }, self: Command) =>
      work(self, (open) => register(open, name, email, options.password)),
    );
  aerie
    .command('login <email>')
    .description('print a token, for --token')
    .option('--password <password>', password)
    .action((email: string, options: { password?: string }, self: Command) =>
      work(self, (open) => login(open, email, options.password)),
    );
  aerie
    .command('whoami')
    .description('whose token --token is')
    .action((_options: object, self: Command) => work(self, whoami));
  aerie
    .command('logout')
    .description('end the token that --token is')
    .action((_options: object, self: Command) => work(self, logout));
}
