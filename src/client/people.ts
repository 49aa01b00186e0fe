import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import type { Command } from 'commander';
import { ulid } from 'ulid';
import { validationFailed } from '../shared/errors/common.errors';
import { addPaging, type Paging, run, type Session, textOrFile, whole } from './command-line';
import { table, withMore } from './table';

interface PersonOptions {
  readonly name?: string;
  readonly email?: string;
  readonly age?: number;
  /** Be without an age from now on. */
  readonly clearAge?: boolean;
  /** Change the user only while this is the version. */
  readonly expectedVersion?: number;
}

interface PasswordOption {
  readonly password?: string;
}

const columns = {
  id: 'id',
  name: 'name',
  'e-mail': 'email',
  age: 'age',
  version: 'version',
  created: 'createdAt',
} as const;

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
    .action(run(createUser));
  users.command('get <id>').description('a user').action(run(getUser));
  addPaging(users.command('list').description('all users, oldest first'))
    .option('--email <address>', 'only who has this address')
    .action(run(listUsers));
  users
    .command('update <id>')
    .description('change some fields of a user')
    .option('--name <name>', '1 to 64 characters')
    .option('--email <address>', 'unique in every spelling of it')
    .option('--age <years>', '0 to 150', age)
    .option('--clear-age', 'be without an age from now on')
    .option('--expected-version <n>', 'only while this is the version', whole(1, Number.MAX_SAFE_INTEGER))
    .action(run(updateUser));
  users.command('delete <id>').description('delete a user').action(run(deleteUser));
  aerie
    .command('register <name> <email>')
    .description('make an account, and print its token')
    .option('--password <password>', password)
    .action(run(register));
  aerie
    .command('login <email>')
    .description('print a token, for --token')
    .option('--password <password>', password)
    .action(run(login));
  aerie.command('whoami').description('whose token --token is').action(run(whoami));
  aerie.command('logout').description('end the token that --token is').action(run(logout));
}

/** Sent again when the answer is lost, which the key makes safe. */
async function createUser({ client, print }: Session, options: PersonOptions): Promise<number> {
  const { name = '', email = '', age } = options;
  const user = await client.users.createUser({ name, email, age }, { idempotencyKey: `cli-${ulid()}` });
  print(user, table(columns, [user]));
  return 0;
}

async function getUser({ client, print }: Session, id: string): Promise<number> {
  const user = await client.users.getUser({ id });
  print(user, table(columns, [user]));
  return 0;
}

/** One page, and how to get the next. */
async function listUsers({ client, print }: Session, options: Paging & { readonly email?: string }): Promise<number> {
  const { limit: pageSize, after: pageToken, email } = options;
  const page = await client.users.listUsers({ pageSize, pageToken, email });
  print(page, withMore(table(columns, page.users, 'No users.'), page.nextPageToken));
  return 0;
}

async function updateUser({ client, print }: Session, id: string, options: PersonOptions): Promise<number> {
  const { name, email, age, expectedVersion, clearAge } = options;
  const clear = clearAge ? ['age'] : [];
  const user = await client.users.updateUser({ id, name, email, age, expectedVersion, clear });
  print(user, table(columns, [user]));
  return 0;
}

async function deleteUser({ client, print }: Session, id: string): Promise<number> {
  await client.users.deleteUser({ id });
  print({}, [`Deleted ${id}`]);
  return 0;
}

/** Prints the access token alone, so that it can be kept in a variable or a file. */
async function login(session: Session, email: string, options: PasswordOption): Promise<number> {
  const answer = await session.client.auth.login({ email, password: await passwordOf(options) });
  session.say(`Logged in as ${answer.user?.id} for ${answer.expiresIn} seconds; the token:`);
  session.print(answer, [answer.accessToken]);
  return 0;
}

async function register(session: Session, name: string, email: string, options: PasswordOption): Promise<number> {
  const answer = await session.client.auth.register({ name, email, password: await passwordOf(options) });
  session.say(`Registered ${answer.user?.id}; the token, good for ${answer.expiresIn} seconds:`);
  session.print(answer, [answer.accessToken]);
  return 0;
}

async function logout({ client, print }: Session): Promise<number> {
  await client.auth.logout({});
  print({}, ['Logged out: the token holds nowhere any more.']);
  return 0;
}

async function whoami({ client, print }: Session): Promise<number> {
  const found = await client.auth.verify({});
  print(found, [`${found.user?.id} ${found.user?.name}, ${found.role}, until ${found.expiresAt}`]);
  return 0;
}

/** From the option or its file, else from the terminal without showing it, else the first line of standard input. */
async function passwordOf({ password }: PasswordOption): Promise<string> {
  if (password !== undefined) return textOrFile('--password', password);
  const terminal = process.stdin.isTTY === true;
  if (terminal) process.stderr.write('Password: ');
  // Typed characters are not echoed.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output, terminal });
  try {
    for await (const line of lines) return line;
  } finally {
    lines.close();
    if (terminal) process.stderr.write('\n');
  }
  throw validationFailed([{ field: 'password', message: 'is required: --password, or on standard input' }]);
}
