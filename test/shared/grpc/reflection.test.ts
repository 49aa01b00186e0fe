import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { FileDescriptorProto, type IDescriptorProto, type IFileDescriptorProto } from 'protobufjs/ext/descriptor';
import { protoFile, protoRoot } from '../../../src/shared/contract/proto';
import { everyDatabase, type TestDatabase } from '../../support/databases';
import { everyContract } from '../../support/every-contract';
import { openApp, type TestApp } from '../../support/wires';

// What tools such as grpcurl learn of the services must be as strict as what protoc writes.

const proto = join(
  dirname(require.resolve('@grpc/reflection/package.json')),
  'build/proto/grpc/reflection/v1/reflection.proto',
);
const reflection = loadSync(proto, { longs: Number })['grpc.reflection.v1.ServerReflection'] as ServiceDefinition;

let database: TestDatabase;
let app: TestApp;
beforeAll(async () => {
  const [sqlite] = everyDatabase;
  if (!sqlite) throw new Error('There is no SQLite');
  database = await sqlite.create();
  app = await openApp(database.url);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

async function ask(question: object, { grpc } = app): Promise<Record<string, object>> {
  const method = reflection.ServerReflectionInfo;
  if (!method) throw new Error('No such method');
  const call = grpc.client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize);
  const answer = new Promise<object>((resolve, reject) => call.on('data', resolve).on('error', reject));
  call.write(question);
  call.end();
  return (await answer) as Record<string, object>;
}

/** The files that one asks for a symbol and gets, it and what it imports. */
async function filesOf(symbol: string): Promise<IFileDescriptorProto[]> {
  const { fileDescriptorResponse: response } = await ask({ fileContainingSymbol: symbol });
  const { fileDescriptorProto: files = [] } = (response ?? {}) as { fileDescriptorProto?: Buffer[] };
  return files.map((bytes) => FileDescriptorProto.decode(bytes) as IFileDescriptorProto);
}

function typesIn(file: IFileDescriptorProto): Set<string> {
  const found = new Set((file.enumType ?? []).map(({ name }) => `.${file.package}.${name}`));
  const put = (message: IDescriptorProto, scope: string): void => {
    found.add(`${scope}.${message.name}`);
    for (const { name } of message.enumType ?? []) found.add(`${scope}.${message.name}.${name}`);
    for (const nested of message.nestedType ?? []) put(nested, `${scope}.${message.name}`);
  };
  for (const message of file.messageType ?? []) put(message, `.${file.package}`);
  return found;
}

function* used(messages: readonly IDescriptorProto[]): Generator<string> {
  for (const { field, nestedType } of messages) {
    for (const { typeName } of field ?? []) if (typeName) yield typeName;
    yield* used(nestedType ?? []);
  }
}

const services = everyContract.map(({ contract: { proto: each } }) => `${each.package}.${each.service}`);

test.each([...services, 'grpc.health.v1.Health'])('%s is described whole', async (service) => {
  const files = await filesOf(service);
  const byName = new Map(files.map((file) => [file.name ?? '', file]));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) {
    const visible = new Set(
      [file, ...(file.dependency ?? []).map((name: string) => byName.get(name) ?? {})].flatMap((one) => [
        ...typesIn(one),
      ]),
    );
    const methods = (file.service ?? []).flatMap(({ method }) => method ?? []);
    const names = [...used(file.messageType ?? []), ...methods.flatMap((each) => [each.inputType, each.outputType])];
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !visible.has(name ?? ''))).toEqual([]);
  }
});

test('what is listed is what runs in this process', async () => {
  await using users = await openApp(database.url, { MODULES: 'users' });
  const listed = async (from: TestApp) => (await ask({ listServices: '' }, from)).listServicesResponse;
  const named = (names: string[]) => ({ service: names.map((name) => expect.objectContaining({ name })) });
  expect(await listed(users)).toEqual(
    named(['aerie.users.v1.UserService', 'aerie.processes.v1.ProcessService', 'grpc.health.v1.Health']),
  );
  expect(await listed(app)).toMatchObject({ service: { length: services.length + 1 } });
});

test('the entries of a map are called after their field', async () => {
  const [health] = await filesOf('grpc.health.v1.Health');
  const list = health?.messageType?.find((each: IDescriptorProto) => each.name === 'HealthListResponse');
  expect(list?.nestedType?.map((nested) => nested.name)).toEqual(['StatusesEntry']);
  expect(list?.field?.[0]?.typeName).toBe('.grpc.health.v1.HealthListResponse.StatusesEntry');
});

/** Every message's fields, `User.created_at`. */
function fieldsOf(messages: readonly IDescriptorProto[]): string[] {
  return messages.flatMap(({ name, field, nestedType, options }) => [
    ...(options?.mapEntry ? [] : (field ?? []).map((each) => `${name}.${each.name}`)),
    ...fieldsOf(nestedType ?? []),
  ]);
}

/** What stands in the .proto files of each package. */
const declared = new Map<string, string>();
for (const path of [
  ...everyContract.map(({ contract }) => protoFile(contract)),
  'google/rpc/error_details.proto',
  healthProto,
]) {
  const text = readFileSync(resolve(protoRoot, path), 'utf8');
  const name = /^package ([\w.]+);/m.exec(text)?.[1] ?? '';
  declared.set(name, (declared.get(name) ?? '') + text);
}

// grpcurl and ghz know a field by its name in the .proto (`page_size`); any other is unknown to them.
test.each([...services, 'grpc.health.v1.Health', 'google.rpc.ErrorInfo'])(
  '%s has the field names of its .proto',
  async (symbol) => {
    // Any, of protobuf itself, has names of one word.
    const files = (await filesOf(symbol)).filter((file) => file.package !== 'google.protobuf');
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const fields = fieldsOf(file.messageType ?? []);
      expect(fields.length).toBeGreaterThan(0);
      for (const each of fields)
        expect(declared.get(file.package ?? '')).toMatch(new RegExp(`\\b${each.split('.')[1]} = \\d+`));
    }
  },
);

test('names of two words have a dash between them', async () => {
  const all = (await Promise.all(services.map(filesOf))).flat().flatMap((file) => fieldsOf(file.messageType ?? []));
  for (const name of ['ListUsersRequest.page_size', 'ListUsersResponse.next_page_token', 'User.created_at'])
    expect(all).toContain(name);
});
