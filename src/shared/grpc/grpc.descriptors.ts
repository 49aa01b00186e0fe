import type { PackageDefinition } from '@grpc/proto-loader';
import {
  FileDescriptorProto,
  type IDescriptorProto,
  type IFieldDescriptorProto,
  type IFileDescriptorProto,
} from 'protobufjs/ext/descriptor';

/**
 * The files of these packages as protoc would describe them. proto-loader leaves the names of types relative, the list of
 * imports empty and entries of maps without their proper names, and tools such as grpcurl refuse that.
 * Source: google/protobuf/descriptor.proto
 */
export function fileDescriptors(packages: PackageDefinition): Buffer[] {
  const files = [...decoded(packages).values()];
  for (const file of files) for (const message of file.messageType ?? []) nameMapEntries(message);
  const homes = homesOf(files);
  for (const file of files) link(file, homes);
  return files.map((file) => Buffer.from(FileDescriptorProto.encode(file).finish()));
}

function decoded(packages: PackageDefinition): Map<string, IFileDescriptorProto> {
  const files = new Map<string, IFileDescriptorProto>();
  for (const definition of Object.values(packages)) {
    const { fileDescriptorProtos } = definition as { fileDescriptorProtos?: readonly Buffer[] };
    for (const bytes of fileDescriptorProtos ?? []) {
      const file = FileDescriptorProto.decode(bytes) as IFileDescriptorProto;
      if (file.name) files.set(file.name, file);
    }
  }
  return files;
}

/** The entry of `map<..> statuses` is `StatusesEntry`. */
function nameMapEntries(message: IDescriptorProto): void {
  for (const nested of message.nestedType ?? []) {
    nameMapEntries(nested);
    const field = message.field?.find(({ typeName }) => nested.options?.mapEntry && typeName === nested.name);
    if (!field?.name) continue;
    nested.name = `${field.name.replace(/(^|_)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase())}Entry`;
    field.typeName = nested.name;
  }
}

/** Every type by its whole name, with the file that it is in. */
function homesOf(files: readonly IFileDescriptorProto[]): Map<string, string> {
  const homes = new Map<string, string>();
  for (const file of files) {
    const put = (message: IDescriptorProto, scope: string): void => {
      const name = `${scope}.${message.name}`;
      homes.set(name, file.name ?? '');
      for (const { name: inner } of message.enumType ?? []) homes.set(`${name}.${inner}`, file.name ?? '');
      for (const nested of message.nestedType ?? []) put(nested, name);
    };
    for (const { name } of file.enumType ?? []) homes.set(`.${file.package}.${name}`, file.name ?? '');
    for (const message of file.messageType ?? []) put(message, `.${file.package}`);
  }
  return homes;
}

function link(file: IFileDescriptorProto, homes: ReadonlyMap<string, string>): void {
  const imports = new Set<string>();
  const whole = (name: string, scope: string): string => {
    const found = resolved(name, scope, homes);
    const home = homes.get(found);
    if (home !== undefined && home !== file.name) imports.add(home);
    return found;
  };
  const linkFields = (message: IDescriptorProto, scope: string): void => {
    const own = `${scope}.${message.name}`;
    const fields: IFieldDescriptorProto[] = message.field ?? [];
    for (const field of fields) if (field.typeName) field.typeName = whole(field.typeName, own);
    for (const nested of message.nestedType ?? []) linkFields(nested, own);
  };
  for (const message of file.messageType ?? []) linkFields(message, `.${file.package}`);
  for (const method of (file.service ?? []).flatMap((service) => service.method ?? [])) {
    method.inputType = whole(method.inputType ?? '', `.${file.package}`);
    method.outputType = whole(method.outputType ?? '', `.${file.package}`);
  }
  file.dependency = [...imports].sort();
}

/** A name as it is seen from a scope: the innermost that fits. */
function resolved(name: string, scope: string, homes: ReadonlyMap<string, string>): string {
  if (name.startsWith('.')) return name;
  for (let from = scope; from !== ''; from = from.slice(0, from.lastIndexOf('.')))
    if (homes.has(`${from}.${name}`)) return `${from}.${name}`;
  return `.${name}`;
}
