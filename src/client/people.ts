import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ulid } from 'ulid';
import type { User } from '../generated/aerie/users/v1/users';
import { validationFailed } from '../shared/errors/common.errors';
import { type Session, textOrFile } from './session';
import { table } from './table';

export interface PersonOptions {
  readonly name?: string;
  readonly email?: string;
  readonly age?: number;
  /** Be without an age from now on. */
  readonly clearAge?: boolean;
  /** Change the user only while this is the version. */
  readonly expectedVersion?: number;
}

const heading = ['id', 'name', 'e-mail', 'age', 'version', 'created'];

/** Sent again when the answer is lost, which the key makes safe. */
export async function createUser({ client, print }: Session, options: PersonOptions): Promise<number> {
  const { name = '', email = '', age } = options;
  const user = await client.users.createUser({ name, email, age }, { idempotencyKey: `cli-${ulid()}` });
  print(user, table(heading, [rowOf(user)]));
  return 0;
}

export async function getUser({ client, print }: Session, id: string): Promise<number> {
  const user = await client.users.getUser({ id });
  print(user, table(heading, [rowOf(user)]));
  return 0;
}

/** One page, and how to get the next. */
export async function listUsers(
  { client, print }: Session,
  options: { readonly limit: number; readonly after?: string; readonly email?: string },
): Promise<number> {
  const { limit: pageSize, after: pageToken, email } = options;
  const page = await client.users.listUsers({ pageSize, pageToken, email });
  const rows = page.users.map(rowOf);
  const lines = rows.length === 0 ? ['No users.'] : table(heading, rows);
  print(page, page.nextPageToken === '' ? lines : [...lines, `More: --after ${page.nextPageToken}`]);
  return 0;
}

export async function updateUser({ client, print }: Session, id: string, options: PersonOptions): Promise<number> {
  const { name, email, age, expectedVersion, clearAge } = options;
  const clear = clearAge ? ['age'] : [];
  const user = await client.users.updateUser({ id, name, email, age, expectedVersion, clear });
  print(user, table(heading, [rowOf(user)]));
  return 0;
}

export async function deleteUser({ client, print }: Session, id: string): Promise<number> {
  await client.users.deleteUser({ id });
  print({}, [`Deleted ${id}`]);
  return 0;
}

/** Prints the access token alone, so that it can be kept in a variable or a file. */
export async function login(session: Session, email: string, password: string | undefined): Promise<number> {
  const answer = await session.client.auth.login({ email, password: await passwordOf(password) });
  session.say(`Logged in as ${answer.user?.id} for ${answer.expiresIn} seconds; the token:`);
  session.print(answer, [answer.accessToken]);
  return 0;
}

export async function register(
  session: Session,
  name: string,
  email: string,
  password: string | undefined,
): Promise<number> {
  const answer = await session.client.auth.register({ name, email, password: await passwordOf(password) });
  session.say(`Registered ${answer.user?.id}; the token, good for ${answer.expiresIn} seconds:`);
  session.print(answer, [answer.accessToken]);
  return 0;
}

export async function logout({ client, print }: Session): Promise<number> {
  await client.auth.logout({});
  print({}, ['Logged out: the token holds nowhere any more.']);
  return 0;
}

export async function whoami({ client, print }: Session): Promise<number> {
  const found = await client.auth.verify({});
  print(found, [`${found.user?.id} ${found.user?.name}, ${found.role}, until ${found.expiresAt}`]);
  return 0;
}

/** From the option or its file, else from the terminal without showing it, else the first line of standard input. */
async function passwordOf(option: string | undefined): Promise<string> {
  if (option !== undefined) return textOrFile('--password', option);
  const terminal = process.stdin.isTTY === true;
  if (terminal) process.stderr.write('Password: ');
  // What is typed is echoed to nowhere.
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

function rowOf({ id, name, email, age, version, createdAt }: User): (string | number)[] {
  return [id, name, email, age ?? '', version, createdAt];
}
