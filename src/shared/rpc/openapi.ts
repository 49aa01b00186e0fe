import { z } from 'zod';
import { kinds } from '../errors/kinds';
import type { Access, AnyContract, Route } from './contract';
import type { MessageDocs } from './messages';
import type { RouteTable } from './route-table';

type Json = Record<string, unknown>;

// Errors that any call can have; a call's own come from its messages.
const everyCall: Record<number, readonly string[]> = {
  400: ['validation_failed', 'malformed_json'],
  413: ['body_too_large'],
  415: ['unsupported_media_type'],
  500: ['internal'],
  503: ['unavailable'],
  504: ['deadline_exceeded'],
};
const guarded: Record<number, readonly string[]> = { 401: ['token_invalid'], 403: ['forbidden'] };

/** The OpenAPI 3.1 document of the features in this process, out of the schemas that check the requests. */
export function openApi(routes: RouteTable, version: string): Json {
  const paths: Record<string, Json> = {};
  for (const { contract, messages } of routes.contracts) {
    for (const [method, route] of Object.entries(contract.routes)) {
      const docs = messages[method];
      if (!docs) continue;
      const [verb = '', path = ''] = route.http.split(' ');
      const template = path.replace(/:([A-Za-z]+)/g, '{$1}');
      paths[template] = { ...paths[template], [verb.toLowerCase()]: operation(contract, method, route, docs) };
    }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Aerie', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: '/' }],
    tags: routes.contracts.map(({ contract }) => ({ name: contract.name })),
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A token of register or login' },
        internal: { type: 'http', scheme: 'bearer', description: 'INTERNAL_API_SECRET' },
      },
    },
  };
}

function operation(contract: AnyContract, method: string, route: Route, docs: MessageDocs): Json {
  const request = schemaOf(docs.request.schema, 'input');
  const properties = (request.properties ?? {}) as Record<string, Json>;
  const required = (request.required ?? []) as string[];
  const inPath = [...route.http.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] as string);
  const reads = route.http.startsWith('GET');
  const inQuery = reads ? Object.keys(properties).filter((name) => !inPath.includes(name)) : [];
  const parameter = (name: string, place: string, needed: boolean): Json => ({
    name,
    in: place,
    required: needed,
    schema: properties[name],
  });
  return {
    operationId: `${contract.proto.service}.${method}`,
    tags: [contract.name],
    summary: docs.summary,
    ...security(route.access),
    parameters: [
      ...inPath.map((name) => parameter(name, 'path', true)),
      ...inQuery.map((name) => parameter(name, 'query', required.includes(name))),
      ...Object.entries(docs.headers ?? {}).map(([name, { description, required: needed, example }]) => ({
        name,
        in: 'header',
        description,
        required: needed,
        example,
        schema: { type: 'string' },
      })),
    ],
    ...(reads ? {} : body(docs, request, inPath)),
    responses: responses(route, docs),
  };
}

function security(access: Access): Json {
  if (access === 'public') return {};
  return { security: [{ token: [] }, ...(access === 'token' ? [] : [{ internal: [] }])] };
}

function body(docs: MessageDocs, request: Json, inPath: readonly string[]): Json {
  const schema = docs.rawBody ? schemaOf(docs.rawBody, 'input') : without(request, inPath);
  const properties = (schema.properties ?? schema.oneOf ?? schema.anyOf ?? {}) as object;
  if (Object.keys(properties).length === 0) return {};
  const example = Object.fromEntries(Object.entries(docs.example.request).filter(([name]) => !inPath.includes(name)));
  return { requestBody: { required: true, content: { 'application/json': { schema, example } } } };
}

function without(schema: Json, names: readonly string[]): Json {
  const properties = Object.fromEntries(
    Object.entries((schema.properties ?? {}) as Json).filter(([name]) => !names.includes(name)),
  );
  const required = ((schema.required ?? []) as string[]).filter((name) => !names.includes(name));
  return { ...schema, properties, required };
}

function responses(route: Route, docs: MessageDocs): Json {
  const status = docs.status ?? 200;
  const found: Json = { [status]: success(status, docs) };
  if (docs.replayed) found[200] = { ...success(200, docs), description: 'Was done before: Idempotent-Replayed: true' };
  const errors = [everyCall, route.access === 'public' ? {} : guarded, docs.errors ?? {}];
  const codes = new Map<string, string[]>();
  for (const [code, names] of errors.flatMap((table) => Object.entries(table)))
    codes.set(code, [...(codes.get(code) ?? []), ...names]);
  for (const [code, names] of codes) {
    found[code] = {
      description: [...new Set(names)].join(' | '),
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
    };
  }
  return found;
}

function success(status: number, docs: MessageDocs): Json {
  if (status === 204) return { description: 'Done' };
  const content = { 'application/json': { schema: schemaOf(docs.answer, 'output'), example: docs.example.answer } };
  return { description: 'Done', content };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

const errorSchema = {
  type: 'object',
  required: ['error', 'code', 'message', 'trace_id'],
  properties: {
    error: { type: 'string', enum: [...new Set(Object.values(kinds).map((kind) => kind.phrase))] },
    code: { type: 'string', description: 'What programs compare' },
    message: { type: 'string' },
    details: {
      type: 'object',
      properties: {
        fields: {
          type: 'array',
          items: { type: 'object', properties: { field: { type: 'string' }, message: { type: 'string' } } },
        },
      },
    },
    trace_id: { type: 'string' },
  },
} as const;
