import { loadSync } from '@grpc/proto-loader';
import type { AnyContract } from '../contract/contract';
import { loaderOptions, protoFile } from '../contract/proto';

type NumberFormat = 'int32' | 'int64' | 'double' | 'float';

export interface ProtoField {
  /** As OpenAPI calls it. */
  readonly format?: NumberFormat;
  /** The name of the message that the field holds, or a list of. */
  readonly message?: string;
}

/** A message as its .proto describes it. Its fields are named as in JSON. */
export interface ProtoMessage {
  readonly name: string;
  readonly fields: ReadonlyMap<string, ProtoField>;
}

/** As proto-loader has it. Source: google/protobuf/descriptor.proto */
interface Descriptor {
  readonly name: string;
  readonly field: readonly { readonly name: string; readonly type: string; readonly typeName: string }[];
}

type Loaded = Readonly<Record<string, { readonly format?: string; readonly type?: Descriptor } & MethodsOf>>;
type MethodsOf = Readonly<Record<string, { readonly requestType: TypeOf; readonly responseType: TypeOf }>>;
interface TypeOf {
  readonly type: Descriptor;
}

const formats: Readonly<Record<string, NumberFormat>> = {
  TYPE_INT32: 'int32',
  TYPE_INT64: 'int64',
  TYPE_DOUBLE: 'double',
  TYPE_FLOAT: 'float',
};

/** The messages of some contracts' .proto files, by their names without the package: in OpenAPI there are no packages. */
export class ProtoMessages {
  private readonly loaded: Loaded;
  private readonly byName = new Map<string, ProtoMessage>();

  constructor(contracts: readonly AnyContract[]) {
    this.loaded = (contracts.length > 0 ? loadSync(contracts.map(protoFile), loaderOptions) : {}) as unknown as Loaded;
    for (const { format, type } of Object.values(this.loaded)) {
      if (typeof format !== 'string' || !type) continue;
      if (this.byName.has(type.name)) throw new Error(`Two messages are called ${type.name}`);
      this.byName.set(type.name, toMessage(type));
    }
  }

  /** A message with the name that a .proto gives it. */
  named(name: string): ProtoMessage {
    const found = this.byName.get(name);
    if (!found) throw new Error(`No message is called ${name}`);
    return found;
  }

  /** The request and the answer of a call. */
  of({ proto }: AnyContract, method: string): { request: ProtoMessage; answer: ProtoMessage } {
    const call = this.loaded[`${proto.package}.${proto.service}`]?.[method.charAt(0).toUpperCase() + method.slice(1)];
    if (!call) throw new Error(`${proto.service} has no ${method}`);
    return { request: this.named(call.requestType.type.name), answer: this.named(call.responseType.type.name) };
  }

  /** The names of a message and of all that are in it. */
  within({ name, fields }: ProtoMessage, found = new Set<string>()): ReadonlySet<string> {
    if (found.has(name)) return found;
    found.add(name);
    for (const { message } of fields.values()) if (message !== undefined) this.within(this.named(message), found);
    return found;
  }
}

function toMessage({ name, field }: Descriptor): ProtoMessage {
  const fields = field.map(({ name: key, type, typeName }): [string, ProtoField] => {
    if (type === 'TYPE_MESSAGE') return [key, { message: typeName.split('.').at(-1) ?? '' }];
    const format = formats[type];
    return [key, format ? { format } : {}];
  });
  return { name, fields: new Map(fields) };
}
