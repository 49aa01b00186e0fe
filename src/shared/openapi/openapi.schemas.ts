import { z } from 'zod';
import type { AnyContract } from '../contract/contract';
import { clearableNames } from '../contract/http-parts';
import { kinds } from '../errors/kinds';
import type { ProtoField, ProtoMessage, ProtoMessages } from './proto-messages';

export type Json = Record<string, unknown>;

/** The schema of a request, or of an answer. */
type Direction = 'input' | 'output';

interface Way {
  readonly io: Direction;
  /** Only these take null; unless told, whatever may be left out. */
  readonly clearable?: readonly string[] | undefined;
}

const prefix = '#/components/schemas/';

/**
 * The schemas of an OpenAPI document, each message under the name that its .proto gives it: generators make one class of one
 * name. Types of numbers are those of the .proto; all else is what the zod schemas say.
 */
export class Schemas {
  readonly components: Record<string, Json> = { ...errorSchemas };
  private readonly answered = new Set<string>();

  constructor(
    private readonly messages: ProtoMessages,
    contracts: readonly AnyContract[],
  ) {
    for (const contract of contracts)
      for (const method of Object.keys(contract.routes))
        for (const name of messages.within(messages.of(contract, method).answer)) this.answered.add(name);
  }

  /** The body of a call without what is in its path, as a reference; undefined where nothing is left. */
  body(schema: z.ZodType, message: ProtoMessage, inPath: readonly string[], patch: boolean): Json | undefined {
    const { properties, required, ...rest } = jsonSchema(schema, 'input');
    const left = Object.entries((properties ?? {}) as Json).filter(([name]) => !inPath.includes(name));
    if (left.length === 0) return undefined;
    const needed = ((required ?? []) as string[]).filter((name) => !inPath.includes(name));
    const json = { ...rest, properties: Object.fromEntries(left), ...(needed.length > 0 ? { required: needed } : {}) };
    return this.named(json, message, { io: 'input', clearable: patch ? clearableNames(schema) : undefined });
  }

  /** The answer of a call, as a reference. */
  answer(schema: z.ZodType, message: ProtoMessage): Json {
    return this.named(jsonSchema(schema, 'output'), message, { io: 'output' });
  }

  /** The fields of a request one by one, for path and query: text, so nothing is null. */
  fields(schema: z.ZodType, message?: ProtoMessage): { properties: Record<string, Json>; required: readonly string[] } {
    const { properties, required } = jsonSchema(schema, 'input');
    const told = Object.entries((properties ?? {}) as Record<string, Json>).map(([name, property]): [string, Json] => [
      name,
      this.property(property, message?.fields.get(name), { io: 'input', clearable: [] }),
    ]);
    return { properties: Object.fromEntries(told), required: (required ?? []) as string[] };
  }

  /** A schema that no .proto has; those within it that have an `id` become components. */
  plain(schema: z.ZodType, io: Direction): Json {
    const { $defs, ...json } = jsonSchema(schema, io);
    // From the last: what is made of others comes before them.
    for (const [name, inner] of Object.entries(($defs ?? {}) as Record<string, Json>).reverse())
      this.components[name] ??= this.described(inner, undefined, { io });
    return this.described(json, undefined, { io });
  }

  private named(json: Json, message: ProtoMessage, way: Way): Json {
    const name = way.io === 'input' && this.answered.has(message.name) ? `${message.name}Input` : message.name;
    this.components[name] ??= this.described(json, message, way);
    return { $ref: prefix + name };
  }

  private described(json: Json, message: ProtoMessage | undefined, way: Way): Json {
    // Generators take a field with a default for one that must be given; our defaults only say that nothing was sent.
    const { properties, items, oneOf, anyOf, additionalProperties, $ref, default: _, ...rest } = json;
    const within = { io: way.io };
    const each = (list: unknown) => (list as Json[]).map((one) => this.described(one, undefined, within));
    return {
      ...rest,
      ...(typeof $ref === 'string' ? { $ref: $ref.replace('#/$defs/', prefix) } : {}),
      ...(properties ? { properties: this.properties(json, message, way) } : {}),
      ...(items ? { items: this.described(items as Json, undefined, within) } : {}),
      ...(oneOf ? { oneOf: each(oneOf), ...this.discriminator(oneOf as Json[]) } : {}),
      ...(anyOf ? { anyOf: each(anyOf) } : {}),
      ...this.additional(additionalProperties, within),
    };
  }

  /** Later versions may add fields to an answer, so readers must pass over them; a request is refused for an unknown field. */
  private additional(schema: unknown, way: Way): Json {
    if (typeof schema === 'object') return { additionalProperties: this.described(schema as Json, undefined, way) };
    return schema === undefined || way.io === 'output' ? {} : { additionalProperties: schema };
  }

  private properties({ properties, required }: Json, message: ProtoMessage | undefined, way: Way): Json {
    const described = Object.entries(properties as Record<string, Json>).map(([name, property]): [string, Json] => {
      const told = this.property(property, message?.fields.get(name), { io: way.io });
      const optional = way.io === 'input' && !((required ?? []) as string[]).includes(name);
      return [name, optional && (way.clearable?.includes(name) ?? true) ? nullable(told) : told];
    });
    return Object.fromEntries(described);
  }

  private property(json: Json, field: ProtoField | undefined, way: Way): Json {
    if (json.type === 'array' && (field?.message || field?.format))
      return { ...json, items: this.property(json.items as Json, field, way) };
    if (field?.message) return this.named(json, this.messages.named(field.message), { io: way.io });
    const described = this.described(json, undefined, way);
    if (!field?.format) return described;
    return { ...(way.io === 'output' ? withoutSafeRange(described) : described), format: field.format };
  }

  /** The property that tells the alternatives apart: each of them has one constant value for it. */
  private discriminator(oneOf: readonly Json[]): Json {
    const names = oneOf.map(({ $ref }) => String($ref).replace('#/$defs/', ''));
    const constant = (name: string): [string, unknown] | undefined =>
      Object.entries((this.components[name]?.properties ?? {}) as Record<string, Json>)
        .map(([property, { const: value }]): [string, unknown] => [property, value])
        .find(([, value]) => value !== undefined);
    const found = names.map((name) => [name, constant(name)] as const);
    const propertyName = found[0]?.[1]?.[0];
    if (propertyName === undefined || found.some(([, value]) => value?.[0] !== propertyName)) return {};
    const mapping = Object.fromEntries(found.map(([name, value]) => [String(value?.[1]), prefix + name]));
    return { discriminator: { propertyName, mapping } };
  }
}

function jsonSchema(schema: z.ZodType, io: Direction): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

/** Without what zod says of any whole number: it is beyond an int32, and said once for the whole document. */
function withoutSafeRange({ minimum, maximum, ...rest }: Json): Json {
  return {
    ...rest,
    ...(minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? {} : { minimum }),
    ...(maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? {} : { maximum }),
  };
}

/** null for an optional that is absent, as serialisers of other languages write it. */
function nullable(schema: Json): Json {
  if (typeof schema.type !== 'string') return { anyOf: [schema, { type: 'null' }] };
  const values = schema.enum;
  return { ...schema, type: [schema.type, 'null'], ...(Array.isArray(values) ? { enum: [...values, null] } : {}) };
}

const errorSchemas: Record<string, Json> = {
  Error: {
    type: 'object',
    required: ['error', 'code', 'message', 'trace_id'],
    properties: {
      error: { type: 'string', enum: [...new Set(Object.values(kinds).map((kind) => kind.phrase))] },
      code: { type: 'string', description: 'What programs compare' },
      message: { type: 'string' },
      details: { $ref: `${prefix}ErrorDetails` },
      trace_id: { type: 'string' },
    },
  },
  ErrorDetails: {
    type: 'object',
    properties: { fields: { type: 'array', items: { $ref: `${prefix}FieldViolation` } } },
  },
  FieldViolation: {
    type: 'object',
    required: ['field', 'message'],
    properties: { field: { type: 'string' }, message: { type: 'string' } },
  },
};
